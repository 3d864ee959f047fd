// The rows of a query, however many, as PostgreSQL's binary values: a cursor, read in portions.
// libpq and not libpqxx, which knows only text.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "txindex/bytes.h"

namespace txindex::test {

// A connection in one read-only transaction with one snapshot. Throws std::runtime_error, as
// RowStream does.
class Snapshot {
 public:
  explicit Snapshot(const std::string& conninfo);
  void run(const std::string& sql);
  // The one value of a query, a whole number.
  std::int64_t number(const std::string& sql);
  PGconn* get() { return connection_.get(); }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

class RowStream {
 public:
  // One stream of a name at a time.
  RowStream(Snapshot& snapshot, const std::string& name, const std::string& query);

  // The portions one after the other; false: there are no more. Values of one are good until the
  // next.
  bool next_portion();
  int rows() const { return PQntuples(portion_.get()); }

  Bytes bytes(int row, int column) const {
    return {reinterpret_cast<const std::uint8_t*>(PQgetvalue(portion_.get(), row, column)),
            static_cast<std::size_t>(PQgetlength(portion_.get(), row, column))};
  }
  bool is_null(int row, int column) const { return PQgetisnull(portion_.get(), row, column) != 0; }
  // Of smallint and bigint.
  std::int64_t number(int row, int column) const;
  // timestamptz, in microseconds since the Unix epoch.
  std::int64_t time_us(int row, int column) const;

 private:
  Snapshot& snapshot_;
  const std::string fetch_;
  std::unique_ptr<PGresult, decltype(&PQclear)> portion_;
};

}  // namespace txindex::test
