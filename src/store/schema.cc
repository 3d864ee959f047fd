#include "store/schema.h"

#include <pqxx/nontransaction>
#include <pqxx/transaction>
#include <sstream>
#include <string_view>

#include "log/log.h"
#include "store/connection_string.h"
#include "store/migrations.h"
#include "store/schema_internal.h"

namespace txindex::store {
namespace {

// A large table may take its time, whatever the server's own settings are.
constexpr const char* kMigrationSettings =
    "SET statement_timeout = 0; SET lock_timeout = 0;"
    " SET idle_in_transaction_session_timeout = 0; SET client_min_messages = warning";

// Any number that nobody else takes; the lock is held for a session.
constexpr const char* kMigrationLock =
    "SELECT pg_advisory_lock(hashtextextended('txindex.migrate', 0))";

// 0: there is no schema yet.
int version_in(pqxx::transaction_base& work) {
  const auto table = work.exec("SELECT to_regclass('txindex.schema_migrations') IS NOT NULL");
  if (!table[0][0].as<bool>()) return 0;
  const auto version = work.exec("SELECT coalesce(max(version), 0) FROM txindex.schema_migrations");
  return version[0][0].as<int>();
}

std::string described(int version) {
  return version == 0 ? "the tables of txindex have not been made"
                      : "the schema is of version " + std::to_string(version);
}

Failure newer_schema(const std::string& address, int version) {
  return configuration_failure(address + ": the schema is of version " + std::to_string(version) +
                               ", newer than this binary, which knows version " +
                               std::to_string(schema_version()) + "; install a newer txindexd");
}

result<void> check_interval(pqxx::transaction_base& work, const std::string& address,
                            std::chrono::seconds wanted) {
  const auto rows = work.exec("SELECT partition_seconds FROM txindex.settings");
  const auto seconds = rows.empty() ? 0 : rows[0][0].as<long>();
  if (seconds == wanted.count()) return {};
  return configuration_failure(address + ": partition interval: the database was made with " +
                               std::to_string(seconds) + " s, the configuration says " +
                               std::to_string(wanted.count()) + " s");
}

void apply(pqxx::connection_base& connection, const Migration& migration,
           std::chrono::seconds partition_interval) {
  pqxx::work work(connection);
  if (migration.version == 1) {
    work.exec("CREATE SCHEMA IF NOT EXISTS txindex");
    work.exec(
        "CREATE TABLE txindex.schema_migrations (version integer PRIMARY KEY, name text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now())");
  }
  work.exec(std::string(migration.sql));
  if (migration.version == 1) {
    work.exec("INSERT INTO txindex.settings (partition_seconds) VALUES (" +
              std::to_string(partition_interval.count()) + ")");
  }
  work.exec_params("INSERT INTO txindex.schema_migrations (version, name) VALUES ($1, $2)",
                   migration.version, std::string(migration.name));
  work.commit();
}

void provide_for(pqxx::connection_base& connection, const Ingest& ingest) {
  pqxx::work work(connection);
  work.exec_params("SELECT txindex.grant_ingest($1)", ingest.role);
  const auto kept = ingest.retention
                        ? std::optional<std::string>(std::to_string(ingest.retention->count()))
                        : std::nullopt;
  const auto changed = work.exec_params(
      "UPDATE txindex.settings AS new SET retention = $1::bigint * interval '1 microsecond'"
      " FROM txindex.settings AS old"
      " WHERE old.retention IS DISTINCT FROM $1::bigint * interval '1 microsecond'"
      " RETURNING coalesce(old.retention::text, 'none'), coalesce(new.retention::text, 'none')",
      kept ? kept->c_str() : nullptr);
  work.commit();
  for (const auto& row : changed) {
    log::event(log::Level::info, "the database is told another retention",
               {{"before", row[0].c_str()}, {"now", row[1].c_str()}});
  }
}

result<int> migrate_on(pqxx::connection_base& connection, const std::string& address,
                       std::chrono::seconds partition_interval,
                       const std::optional<Ingest>& ingest) {
  int version = 0;
  {
    pqxx::nontransaction work(connection);
    work.exec(kPinSearchPath);
    work.exec(kMigrationSettings);
    work.exec(kMigrationLock);  // until the connection ends
    version = version_in(work);
  }
  if (version > schema_version()) return newer_schema(address, version);
  int applied = 0;
  for (const Migration& migration : migrations()) {
    if (migration.version <= version) continue;
    try {
      apply(connection, migration, partition_interval);
    } catch (const pqxx::insufficient_privilege& problem) {
      return configuration_failure(
          address + ": " + described(version) + ", this binary needs version " +
          std::to_string(schema_version()) + ", and this role may not make it (" +
          first_line(problem) + "); run 'txindexd migrate' with migrate.database, as its owner");
    } catch (const pqxx::sql_error& problem) {
      return failure(address + ": migration " + std::to_string(migration.version) + " (" +
                     std::string(migration.name) + "): " + first_line(problem));
    }
    ++applied;
  }
  {
    pqxx::nontransaction work(connection);
    const auto interval = check_interval(work, address, partition_interval);
    if (!interval) return interval.error();
  }
  if (ingest) provide_for(connection, *ingest);
  return applied;
}

// Connects, and turns what libpqxx throws into a failure.
template <typename T, typename Action>
result<T> with_connection(const std::string& conninfo, Action&& action) {
  const auto where = parse_connection_string(conninfo);
  if (!where) return where.error();
  try {
    pqxx::connection connection(where->options);
    return action(connection, where->address);
  } catch (const pqxx::insufficient_privilege& problem) {
    return configuration_failure(where->address + ": " + without_privilege(problem));
  } catch (const pqxx::failure& problem) {
    return failure(where->address + ": " + first_line(problem));
  }
}

}  // namespace

std::string first_line(const std::exception& problem) {
  constexpr std::string_view kAttempt = "connection to server at ";
  std::istringstream lines(problem.what());
  std::string all;
  for (std::string line; std::getline(lines, line);) {
    if (all.empty()) {
      all = line;
    } else if (all.starts_with(kAttempt) && line.starts_with(kAttempt)) {
      all += "; " + line;
    }
  }
  return all;
}

std::string without_privilege(const std::exception& problem) {
  return first_line(problem) +
         "; this role lacks what ingest needs: run 'txindexd migrate' with migrate.database, as the"
         " owner of the schema";
}

int schema_version() {
  return migrations().back().version;
}

result<int> migrate(const std::string& conninfo, std::chrono::seconds partition_interval,
                    const std::optional<Ingest>& ingest) {
  if (partition_interval.count() < 60 || partition_interval.count() % 60 != 0) {
    return configuration_failure(
        "partition interval: " + std::to_string(partition_interval.count()) +
        " s is not a whole number of minutes");
  }
  return with_connection<int>(conninfo,
                              [&](pqxx::connection_base& connection, const auto& address) {
                                return migrate_on(connection, address, partition_interval, ingest);
                              });
}

result<void> check_schema(const std::string& conninfo, std::chrono::seconds partition_interval) {
  return with_connection<void>(conninfo,
                               [&](pqxx::connection_base& connection, const auto& address) {
                                 return check_schema_on(connection, address, partition_interval);
                               });
}

result<void> check_schema_on(pqxx::connection_base& connection, const std::string& address,
                             std::chrono::seconds partition_interval) {
  pqxx::nontransaction work(connection);
  work.exec(kPinSearchPath);
  const int version = version_in(work);
  if (version > schema_version()) return newer_schema(address, version);
  if (version < schema_version()) {
    return configuration_failure(address + ": " + described(version) +
                                 ", this binary needs version " + std::to_string(schema_version()) +
                                 "; run 'txindexd migrate'");
  }
  return check_interval(work, address, partition_interval);
}

}  // namespace txindex::store
