// The connection of a Maintenance. For src/store only: includes libpqxx. Every function but
// socket() throws what libpqxx throws.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <pqxx/connection>
#include <pqxx/errorhandler>
#include <string>
#include <vector>

#include "txindex/result.h"

namespace txindex::store {

class MaintenanceSession {
 public:
  // Connects. `options` as libpq reads them.
  explicit MaintenanceSession(const std::string& options);

  int socket() const { return connection_.sock(); }

  // Whether there is something to maintain: not a server in recovery, nor a schema of another
  // version or interval.
  result<void> admit(const std::string& address, std::chrono::seconds partition_interval);

  // Whether this session has the lock that makes it the one, for as long as it lives.
  bool lock();

  void prepare();

  struct Size {
    std::uint64_t partitions = 0;
    std::uint64_t rows = 0;  // as PostgreSQL estimates
    std::uint64_t bytes = 0;
  };
  Size measure();

  // The end of what is past retention, and the periods before it, the oldest first; points in time
  // as PostgreSQL writes them.
  struct Expired {
    std::string cutoff;
    std::vector<std::string> periods;
  };
  Expired expired(std::chrono::microseconds retention);

  // Transactions of others that use the tables of the period just now; see period_users().
  struct User {
    std::string transaction;
    std::string pid;
    bool operator==(const User&) const = default;
  };
  std::vector<User> users(const std::string& period);

  // What was dropped, in one transaction; lock_timeout is how long it may wait for others.
  struct Dropped {
    std::size_t tables = 0;
    std::string partition;             // of `transactions`; empty: there was none
    std::optional<std::int64_t> rows;  // an estimate
    std::uint64_t bytes = 0;
  };
  Dropped drop(const std::string& period, const std::string& cutoff,
               std::chrono::milliseconds lock_timeout);

 private:
  pqxx::connection connection_;
  pqxx::quiet_errorhandler quiet_{connection_};  // else libpqxx writes to standard error
};

}  // namespace txindex::store
