// A connection of libpqxx that lends libpq's own, for the binary COPY that libpqxx 6 does not have.
// For src/store only.
#pragma once

#include <pqxx/connection_base>
#include <pqxx/connectionpolicy.hxx>
#include <span>
#include <string>
#include <string_view>

namespace txindex::store {

class PgConnection : public pqxx::connection_base {
 public:
  // Connects at once. `options` as libpq reads them.
  explicit PgConnection(const std::string& options) : connection_base(policy_), policy_(options) {
    init();
  }
  ~PgConnection() noexcept { close(); }
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;

  // `sql` is COPYs from standard input, separated by semicolons: one database transaction. Each
  // takes the next of `data`. Throws what libpqxx would; then nothing is stored, unless the
  // connection broke.
  void copy(const std::string& sql, std::span<const std::string_view> data);

  // False: PostgreSQL has ended the connection, or it broke. Between statements; does not wait, and
  // asks nobody.
  bool alive();

 private:
  // Connects as libpqxx does by itself, and remembers what has come of it.
  class Policy : public pqxx::connectionpolicy {
   public:
    explicit Policy(const std::string& options) : connectionpolicy(options) {}
    handle do_startconnect(handle before) override { return connected_ = normalconnect(before); }
    handle do_dropconnect(handle before) noexcept override {
      return connected_ = connectionpolicy::do_dropconnect(before);
    }
    handle do_disconnect(handle before) noexcept override {
      return connected_ = connectionpolicy::do_disconnect(before);
    }
    handle connected() const { return connected_; }

   private:
    handle connected_ = nullptr;
  };

  Policy policy_;
};

}  // namespace txindex::store
