#include "store/maintenance_session.h"

#include <pqxx/nontransaction>
#include <pqxx/result>
#include <pqxx/transaction>
#include <string_view>

#include "flow/clock.h"
#include "store/schema_internal.h"

namespace txindex::store {
namespace {

// The one that maintains; the lock is held for a session.
constexpr const char* kLock =
    "SELECT pg_try_advisory_lock(hashtextextended('txindex.maintenance', 0))";

// No statement here takes long unless something is wrong.
constexpr const char* kSettings =
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO';"
    " SET client_min_messages = error; SET statement_timeout = '60s'; SET lock_timeout = '5s';"
    " SET idle_in_transaction_session_timeout = '60s'";

}  // namespace

MaintenanceSession::MaintenanceSession(const std::string& options) : connection_(options) {
#include <pqxx/internal/ignore-deprecated-pre.hxx>
  connection_.inhibit_reactivation(true);
#include <pqxx/internal/ignore-deprecated-post.hxx>
  pqxx::nontransaction(connection_).exec(kPinSearchPath);
}

result<void> MaintenanceSession::admit(const std::string& address,
                                       std::chrono::seconds partition_interval) {
  {
    pqxx::nontransaction work(connection_);
    if (work.exec1("SELECT pg_is_in_recovery()")[0].as<bool>()) {
      return configuration_failure(address + ": the server is in recovery");
    }
  }
  return check_schema_on(connection_, address, partition_interval);
}

bool MaintenanceSession::lock() {
  pqxx::nontransaction work(connection_);
  return work.exec1(kLock)[0].as<bool>();
}

void MaintenanceSession::prepare() {
  pqxx::nontransaction work(connection_);
  work.exec(kSettings);
}

MaintenanceSession::Size MaintenanceSession::measure() {
  pqxx::nontransaction work(connection_);
  const auto row = work.exec1("SELECT partitions, row_count, bytes FROM txindex.store_size()");
  return {row[0].as<std::uint64_t>(), row[1].as<std::uint64_t>(), row[2].as<std::uint64_t>()};
}

MaintenanceSession::Expired MaintenanceSession::expired(std::chrono::microseconds retention) {
  pqxx::nontransaction work(connection_);
  const auto now = work.exec_params1(
      "SELECT least(now(), to_timestamp($1::bigint / 1000000.0))"
      " - $2::bigint * interval '1 microsecond'",
      flow::wall_us(), static_cast<std::int64_t>(retention.count()));
  Expired found;
  found.cutoff = now[0].c_str();
  for (const auto& row :
       work.exec_params("SELECT p FROM txindex.periods_before($1::timestamptz) p", found.cutoff)) {
    found.periods.emplace_back(row[0].c_str());
  }
  return found;
}

std::vector<MaintenanceSession::User> MaintenanceSession::users(const std::string& period) {
  pqxx::nontransaction work(connection_);
  std::vector<User> found;
  for (const auto& row : work.exec_params("SELECT transaction, coalesce(pid::text, 'prepared') FROM"
                                          " txindex.period_users($1::timestamptz)",
                                          period)) {
    found.push_back({row[0].c_str(), row[1].c_str()});
  }
  return found;
}

MaintenanceSession::Dropped MaintenanceSession::drop(const std::string& period,
                                                     const std::string& cutoff,
                                                     std::chrono::milliseconds lock_timeout) {
  pqxx::work work(connection_);
  work.exec("SET LOCAL lock_timeout = " + std::to_string(lock_timeout.count()));
  Dropped dropped;
  for (const auto& row : work.exec_params("SELECT name, row_count, bytes FROM"
                                          " txindex.drop_expired($1::timestamptz, $2::timestamptz)",
                                          period, cutoff)) {
    const std::string_view name = row[0].c_str();
    ++dropped.tables;
    dropped.bytes += row[2].as<std::uint64_t>();
    if (name.starts_with("transactions_")) {
      dropped.partition = name;
      if (!row[1].is_null()) dropped.rows = row[1].as<std::int64_t>();
    }
  }
  work.commit();
  return dropped;
}

}  // namespace txindex::store
