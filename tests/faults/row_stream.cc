#include "faults/row_stream.h"

namespace txindex::test {
namespace {

constexpr int kPortionRows = 5000;
constexpr std::int64_t kPostgresEpochUs = 946'684'800'000'000;  // 2000-01-01
constexpr int kBinary = 1;

[[noreturn]] void fail(PGconn* connection, const std::string& what) {
  throw std::runtime_error(what + ": " + PQerrorMessage(connection));
}

}  // namespace

Snapshot::Snapshot(const std::string& conninfo)
    : connection_(PQconnectdb(conninfo.c_str()), &PQfinish) {
  if (PQstatus(get()) != CONNECTION_OK) fail(get(), "no connection to PostgreSQL");
  run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  // What an index has lost is to be seen.
  run("SET LOCAL enable_indexscan = off");
  run("SET LOCAL enable_indexonlyscan = off");
  run("SET LOCAL enable_bitmapscan = off");
  // For the sorts of many rows.
  run("SET LOCAL work_mem = '64MB'");
}

void Snapshot::run(const std::string& sql) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> done(PQexec(get(), sql.c_str()), &PQclear);
  if (PQresultStatus(done.get()) != PGRES_COMMAND_OK) fail(get(), sql);
}

std::int64_t Snapshot::number(const std::string& sql) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> done(PQexec(get(), sql.c_str()), &PQclear);
  if (PQresultStatus(done.get()) != PGRES_TUPLES_OK) fail(get(), sql);
  return std::stoll(PQgetvalue(done.get(), 0, 0));
}

RowStream::RowStream(Snapshot& snapshot, const std::string& name, const std::string& query)
    : snapshot_(snapshot),
      fetch_("FETCH " + std::to_string(kPortionRows) + " FROM " + name),
      portion_(nullptr, &PQclear) {
  snapshot.run("DECLARE " + name + " NO SCROLL CURSOR FOR " + query);
}

bool RowStream::next_portion() {
  portion_.reset(PQexecParams(snapshot_.get(), fetch_.c_str(), 0, nullptr, nullptr, nullptr,
                              nullptr, kBinary));
  if (PQresultStatus(portion_.get()) != PGRES_TUPLES_OK) fail(snapshot_.get(), fetch_);
  return rows() > 0;
}

std::int64_t RowStream::number(int row, int column) const {
  const Bytes value = bytes(row, column);
  if (value.empty()) return 0;
  // Big-endian, the first byte with the sign.
  std::int64_t number = static_cast<std::int8_t>(value[0]);
  for (const std::uint8_t byte : value.subspan(1))
    number = static_cast<std::int64_t>(static_cast<std::uint64_t>(number) << 8 | byte);
  return number;
}

std::int64_t RowStream::time_us(int row, int column) const {
  return number(row, column) + kPostgresEpochUs;
}

}  // namespace txindex::test
