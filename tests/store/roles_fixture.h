// A cluster with the two roles of config/postgresql/roles.sql, made by psql as an administrator
// would, and the schema made by the owner for ingest.
#pragma once

#include <optional>
#include <pqxx/pqxx>
#include <stdexcept>
#include <string>

#include "store/store_fixture.h"
#include "support/process.h"

namespace txindex::store {

class RolesFixture : public testing::Test {
 protected:
  static constexpr const char* kOwner = "chain owner";  // a name that needs quotation marks
  static constexpr const char* kIngest = "txindexd";

  RolesFixture() {
    run_script();
    postgres.query("ALTER ROLE \"chain owner\" LOGIN");
  }

  // Returns what psql said.
  std::string run_script() const {
    const test::Ran ran =
        test::run({"psql", "-X", "-q", "-v", std::string("owner=") + kOwner, "-v",
                   std::string("ingest=") + kIngest, "-f",
                   TXINDEX_SOURCE_DIR "/config/postgresql/roles.sql", postgres.conninfo()});
    if (ran.status != 0) throw std::runtime_error(ran.output);
    return ran.output;
  }

  std::string as(const std::string& role) const {
    return "host=" + postgres.socket_path().parent_path().string() + " dbname=postgres user='" +
           role + "'";
  }
  result<int> migrate_as_owner(std::optional<std::chrono::hours> retention = {}) const {
    return migrate(as(kOwner), std::chrono::hours(1), Ingest{kIngest, retention});
  }
  PgStore::Options options(IndexLevel level = IndexLevel::accounts) const {
    PgStore::Options o;
    o.conninfo = as(kIngest);
    o.index_level = level;
    o.backoff_max = std::chrono::milliseconds(400);
    return o;
  }

  // The SQLSTATE that PostgreSQL refuses a statement of ingest with; empty: it does not.
  std::string refusal(const std::string& sql) const {
    pqxx::connection connection(as(kIngest));
    const pqxx::quiet_errorhandler quiet(connection);
    try {
      pqxx::nontransaction(connection).exec(sql);
      return "";
    } catch (const pqxx::insufficient_privilege&) {
      return "42501";  // which libpqxx throws without it
    } catch (const pqxx::sql_error& problem) {
      return problem.sqlstate();
    }
  }

  test::PostgresCluster postgres;
  const std::uint32_t seed = std::random_device()();
  test::SampleRows sample{seed};
  testing::ScopedTrace trace{__FILE__, __LINE__, "seed " + std::to_string(seed)};
  stats::Block block{};
};

}  // namespace txindex::store
