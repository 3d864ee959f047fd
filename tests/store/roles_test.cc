// The role of ingest can do what the workers have to do, and nothing else.
#include <gtest/gtest.h>

#include <future>

#include "flow/clock.h"
#include "store/maintenance.h"
#include "store/roles_fixture.h"
#include "store/statements.h"

namespace txindex::store {
namespace {

using namespace std::chrono_literals;
using test::kMiddle;
using wire::Outcome;

constexpr const char* kRefused = "42501";  // insufficient_privilege

class RolesTest : public RolesFixture {
 protected:
  static std::vector<Outcome> write(Store& store, std::vector<Row> rows) {
    EXPECT_TRUE(store.write(rows));
    std::vector<Outcome> outcomes;
    for (const Row& row : rows)
      outcomes.push_back(row.outcome);
    return outcomes;
  }
  std::string count(const std::string& table) const {
    return postgres.query("SELECT count(*) FROM txindex." + table);
  }
};

TEST_F(RolesTest, IngestWritesEveryLevelAcrossBoundariesAndKnowsDuplicates) {
  ASSERT_TRUE(migrate_as_owner());
  const std::int64_t boundary = kMiddle + 30 * test::kMinute;
  for (const auto level :
       {IndexLevel::transactions, IndexLevel::accounts, IndexLevel::instructions}) {
    PgStore store(options(level), block);
    auto rows = sample.make_many(20, kMiddle, {.accounts = 4, .instructions = 2, .lookups = 1});
    const auto close = sample.make_many(20, boundary - 1000);
    rows.insert(rows.end(), close.begin(), close.end());
    EXPECT_EQ(write(store, rows), std::vector(40, Outcome::committed));
    EXPECT_EQ(write(store, rows), std::vector(40, Outcome::duplicate));
    EXPECT_EQ(write(store, {test::stamped(close[0], boundary + 1000)}),
              std::vector(1, Outcome::duplicate));
  }
  EXPECT_EQ(count("transactions"), "120");
  EXPECT_EQ(count("instructions"), "60");
  EXPECT_EQ(count("boundary_transactions"), "60");
  EXPECT_EQ(postgres.query("SELECT count(DISTINCT tableowner) || max(tableowner) FROM pg_tables"
                           " WHERE schemaname = 'txindex'"),
            std::string("1") + kOwner);
}

TEST_F(RolesTest, IngestSettlesWhatIsInDoubt) {
  ASSERT_TRUE(migrate_as_owner());
  // The statements of a doubtful commit, as PgSession sends them.
  EXPECT_EQ(refusal("SELECT pg_logical_emit_message(true, 'txindex', '')"), "");
  EXPECT_EQ(refusal("SELECT r.id FROM unnest(ARRAY[now()], ARRAY[1::bigint]) AS r(ts, id)"
                    " CROSS JOIN LATERAL (SELECT FROM txindex.transactions t"
                    " WHERE t.ts = r.ts AND t.id = r.id LIMIT 1) AS found"),
            "");
}

TEST_F(RolesTest, WhatIngestNeedNotDoIsRefused) {
  ASSERT_TRUE(migrate_as_owner());
  PgStore store(options(IndexLevel::instructions), block);
  ASSERT_EQ(write(store, sample.make_many(5)), std::vector(5, Outcome::committed));
  const std::string leaf = "txindex.transactions_20261121_1000";
  ASSERT_EQ(postgres.query("SELECT count(*) FROM " + leaf), "5");
  const std::string everything = postgres.query(
      "SELECT md5(string_agg(t::text, ' ' ORDER BY id)) FROM txindex.transactions t");
  const std::vector<std::string> forbidden = {
      // Change and remove.
      "UPDATE txindex.transactions SET slot = 1",
      "UPDATE txindex.transactions SET id = id",
      "DELETE FROM txindex.transactions",
      "DELETE FROM txindex.boundary_transactions",
      "TRUNCATE txindex.transactions",
      "TRUNCATE " + leaf,
      "UPDATE txindex.settings SET retention = '0 s'",
      "UPDATE txindex.settings SET partition_seconds = 60",
      "INSERT INTO txindex.schema_migrations (version, name) VALUES (999, 'x')",
      "INSERT INTO " + leaf + " SELECT * FROM " + leaf,
      "SELECT setval('txindex.transaction_id_block', 1)",
      "DROP TABLE txindex.transactions",
      "DROP TABLE " + leaf,
      "DROP SCHEMA txindex CASCADE",
      "DROP FUNCTION txindex.base58(bytea)",
      "ALTER TABLE txindex.transactions DETACH PARTITION " + leaf,
      "ALTER FUNCTION txindex.ensure_partitions(timestamptz[]) SET search_path = public",
      "CREATE OR REPLACE FUNCTION txindex.leaves() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
      "SELECT txindex.make_partition('transactions', now(), now() + interval '1 hour')",
      "SELECT txindex.make_partitions(ARRAY[now()])",
      "SELECT txindex.drop_period('2026-11-21 10:00+00', 'infinity')",
      "SELECT txindex.drop_expired('2026-11-21 10:00+00', 'infinity')",
      "SELECT txindex.drop_expired('2026-11-21 10:00+00', now() - interval '100 years')",
      "SELECT txindex.drop_partitions_before('infinity')",
      "BEGIN; LOCK TABLE txindex.transactions IN ACCESS EXCLUSIVE MODE",
      // Read.
      "SELECT raw FROM txindex.transactions",
      "SELECT txid FROM txindex.transactions",
      "SELECT * FROM txindex.transaction_accounts",
      "SELECT txid FROM txindex.boundary_transactions",
      "SELECT * FROM txindex.instructions",
      "SELECT * FROM txindex.recent",
      "SELECT id FROM " + leaf,
      "SELECT * FROM txindex.transaction('1')",
      "SELECT txindex.row_estimate('" + leaf + "', 1)",
      "SELECT rolpassword FROM pg_authid",
      "SELECT pg_read_file('/etc/passwd')",
      "COPY (SELECT 1) TO PROGRAM 'true'",
      // Make and become.
      "CREATE TABLE txindex.mine (a integer)",
      "CREATE TABLE public.mine (a integer)",
      "CREATE TEMPORARY TABLE mine (a integer)",
      "CREATE SCHEMA mine",
      "CREATE ROLE mine",
      "CREATE DATABASE mine",
      "SELECT txindex.grant_ingest('txindexd')",
      "SET ROLE \"chain owner\"",
      "SET SESSION AUTHORIZATION postgres",
      "ALTER ROLE txindexd SUPERUSER",
      "ALTER SYSTEM SET fsync = off",
  };
  for (const auto& sql : forbidden) {
    const std::string answer = refusal(sql);
    EXPECT_EQ(answer, kRefused) << sql;
  }
  EXPECT_EQ(everything,
            postgres.query(
                "SELECT md5(string_agg(t::text, ' ' ORDER BY id)) FROM txindex.transactions t"));
  refusal(
      "GRANT DELETE ON txindex.transactions TO txindexd");  // PostgreSQL warns, and does nothing
  EXPECT_EQ(postgres.query("SELECT has_table_privilege('txindexd', 'txindex.transactions', "
                           "'UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"),
            "f");
}

// Functions that run as the owner find what they name in pg_catalog, wherever the caller looks.
TEST_F(RolesTest, FunctionsThatRunAsTheOwnerHaveAPinnedSearchPath) {
  ASSERT_TRUE(migrate_as_owner());
  EXPECT_EQ(postgres.query("SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc"
                           " WHERE pronamespace = 'txindex'::regnamespace AND prosecdef"),
            "drop_expired ensure_partitions store_size");
  EXPECT_EQ(postgres.query("SELECT count(*) FROM pg_proc"
                           " WHERE pronamespace = 'txindex'::regnamespace AND prosecdef AND NOT"
                           " 'search_path=pg_catalog, pg_temp' = ANY (proconfig)"),
            "0");
  EXPECT_EQ(postgres.query("SELECT string_agg(proname, ' ') FROM pg_proc"
                           " WHERE pronamespace = 'txindex'::regnamespace AND prosecdef"
                           " AND has_function_privilege('public', oid, 'EXECUTE')"),
            "");
}

// Leaves are named by the digits of their period, which another era has too.
TEST_F(RolesTest, IngestCannotTakeTheNameOfALaterPartition) {
  ASSERT_TRUE(migrate_as_owner());
  for (const char* stamps : {"ARRAY['2026-11-21 10:30+00 BC']", "ARRAY['12026-11-21 10:30+00']",
                             "ARRAY['infinity']", "ARRAY['-infinity']", "ARRAY[NULL]",
                             "ARRAY['2026-11-21 10:30+00', '9999-06-01 00:00+00']"}) {
    EXPECT_EQ(
        refusal("SELECT txindex.ensure_partitions(" + std::string(stamps) + "::timestamptz[])"),
        "22008")
        << stamps;
  }
  PgStore store(options(), block);
  EXPECT_EQ(write(store, sample.make_many(3)), std::vector(3, Outcome::committed));
}

TEST_F(RolesTest, SessionsLookForNamesInTheCatalogAlone) {
  ASSERT_TRUE(migrate_as_owner());
  // What would be met first otherwise: a schema named after the role, and somebody's function.
  postgres.query(
      "CREATE SCHEMA txindexd; GRANT USAGE ON SCHEMA txindexd TO PUBLIC;"
      "CREATE FUNCTION txindexd.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true';"
      "ALTER ROLE txindexd SET search_path = txindexd, pg_catalog");
  const auto usable = PgStore::probe(options());
  ASSERT_TRUE(usable) << usable.error().message;
  PgStore store(options(), block);
  EXPECT_EQ(write(store, sample.make_many(3)), std::vector(3, Outcome::committed));
}

TEST_F(RolesTest, SessionsEndWhatLastsTooLong) {
  ASSERT_TRUE(migrate_as_owner());
  pqxx::connection session(as(kIngest));
  pqxx::nontransaction work(session);
  const auto setting = [&](const std::string& name) {
    return work.exec1("SHOW " + name)[0].as<std::string>();
  };
  for (const auto& [given, statement, lock] :
       {std::tuple(0, "0", "30s"), std::tuple(90'000, "90s", "30s"),
        std::tuple(1234, "1234ms", "1234ms")}) {
    work.exec(session_settings(given));
    EXPECT_EQ(setting("statement_timeout"), statement);
    EXPECT_EQ(setting("lock_timeout"), lock);
    EXPECT_EQ(setting("idle_in_transaction_session_timeout"), "1min");
  }
}

TEST_F(RolesTest, ABatchThatTakesTooLongIsCancelledAndSentAgainWhole) {
  ASSERT_TRUE(migrate_as_owner());
  auto o = options();
  o.statement_timeout = 200ms;
  PgStore store(o, block);
  ASSERT_EQ(write(store, sample.make_many(1)), std::vector(1, Outcome::committed));
  pqxx::connection other(postgres.conninfo());
  auto locked = std::make_unique<pqxx::work>(other);
  locked->exec("LOCK TABLE txindex.transactions IN SHARE MODE");
  std::thread release([&] {
    EXPECT_TRUE(
        test::eventually([&] { return stats::get(block, stats::Word::postgres_errors) >= 2; }));
    locked.reset();
  });
  EXPECT_EQ(write(store, sample.make_many(50)), std::vector(50, Outcome::committed));
  release.join();
  EXPECT_EQ(stats::get(block, stats::Word::postgres_bisections), 0U);
  EXPECT_EQ(stats::get(block, stats::Word::postgres_connects), 1U) << "the session is good";
  EXPECT_EQ(count("transactions"), "51");
}

TEST_F(RolesTest, RetentionDropsAsIngestWhatTheOwnerAllows) {
  const std::int64_t hour = 60 * test::kMinute;
  const std::int64_t now = flow::wall_us() / hour * hour + hour / 2;
  ASSERT_TRUE(migrate_as_owner(5h));
  {
    PgStore store(options(), block);
    for (const int ago : {0, 3, 8, 9})
      ASSERT_EQ(write(store, sample.make_many(5, now - ago * hour)),
                std::vector(5, Outcome::committed));
  }
  Maintenance::Options o;
  o.conninfo = as(kIngest);
  o.interval = 50ms;
  o.retention = 5h;
  const auto dropped = [&](std::uint64_t n) {
    return test::eventually(
        [&] { return stats::get(block, stats::Word::partitions_dropped) == n; });
  };
  {
    const Maintenance maintenance(o, block);
    EXPECT_TRUE(dropped(2));
    EXPECT_TRUE(test::eventually([&] { return stats::get(block, stats::Word::store_rows) == 10; }));
  }
  EXPECT_EQ(count("transactions"), "10");
  // A worker that has been told something else, or taken over.
  o.retention = 1h;
  {
    const Maintenance maintenance(o, block);
    EXPECT_FALSE(test::eventually(
        [&] { return stats::get(block, stats::Word::partitions_dropped) > 2; }, 500ms));
  }
  EXPECT_EQ(count("transactions"), "10");
  ASSERT_TRUE(migrate_as_owner(1h));
  const Maintenance maintenance(o, block);
  EXPECT_TRUE(dropped(3));
}

TEST_F(RolesTest, ARetentionThatIsAnotherThanBeforeIsSaid) {
  const auto said = [this](std::optional<std::chrono::hours> retention) {
    testing::internal::CaptureStderr();
    EXPECT_TRUE(migrate_as_owner(retention));
    const std::string log = testing::internal::GetCapturedStderr();
    return log.find("another retention") == std::string::npos
               ? ""
               : log.substr(log.find("before="), log.rfind('\n') - log.find("before="));
  };
  EXPECT_EQ(said({}), "");
  EXPECT_EQ(said(5h), "before=none now=05:00:00");
  EXPECT_EQ(said(5h), "");
  EXPECT_EQ(said({}), "before=05:00:00 now=none");
}

TEST_F(RolesTest, TheScriptAndTheMigrationsCanBeRunAgainAndChangeNothing) {
  ASSERT_TRUE(migrate_as_owner());
  const std::string rights =
      "SELECT string_agg(c.relname || coalesce(c.relacl::text, '') || c.relowner, ' '"
      " ORDER BY c.relname) FROM pg_class c WHERE relnamespace = 'txindex'::regnamespace";
  const std::string before = postgres.query(rights);
  EXPECT_EQ(run_script(), "");
  const auto again = migrate_as_owner();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, 0);
  EXPECT_EQ(postgres.query(rights), before);
}

// As it is before the two roles: ingest owns its database and makes the schema. Returns where that
// is, without the user.
std::string give_ingest_a_schema(const test::PostgresCluster& cluster) {
  cluster.query("CREATE ROLE txindexd LOGIN");
  cluster.query("CREATE DATABASE chain OWNER txindexd");
  const std::string where = "host=" + cluster.host() + " dbname=chain";
  EXPECT_TRUE(migrate(where + " user=txindexd", 1h));
  return where;
}

TEST_F(RolesTest, ASchemaOfIngestsOwnBecomesTheOwners) {
  test::PostgresCluster old;
  const std::string host = give_ingest_a_schema(old);
  auto o = options();
  o.conninfo = host + " user=txindexd";
  PgStore store(o, block);
  ASSERT_EQ(write(store, sample.make_many(5)), std::vector(5, Outcome::committed));
  const auto ran =
      test::run({"psql", "-X", "-q", "-f", TXINDEX_SOURCE_DIR "/config/postgresql/roles.sql",
                 host + " user=postgres"});
  ASSERT_EQ(ran.status, 0) << ran.output;
  const auto migrated = migrate(host + " user=postgres options=-crole=txindexd_owner", 1h,
                                Ingest{"txindexd", std::nullopt});
  ASSERT_TRUE(migrated) << migrated.error().message;
  // The session that was open goes on, and a new hour is made.
  EXPECT_EQ(write(store, sample.make_many(5, kMiddle + 60 * test::kMinute)),
            std::vector(5, Outcome::committed));
  pqxx::connection ingest(o.conninfo);
  const pqxx::quiet_errorhandler quiet(ingest);
  for (const char* sql : {"DELETE FROM txindex.transactions", "DROP SCHEMA txindex CASCADE",
                          "ALTER DATABASE chain RENAME TO mine", "CREATE SCHEMA mine"}) {
    pqxx::work work(ingest);
    EXPECT_THROW(work.exec(sql), pqxx::insufficient_privilege) << sql;
  }
}

// Of a partition that somebody is making while the script runs nothing stays with ingest.
TEST_F(RolesTest, InADatabaseInUseTheScriptWaitsForWhoMakesAPartition) {
  test::PostgresCluster old;
  const std::string host = give_ingest_a_schema(old);
  const auto script = [&](const std::string& lock_timeout) {
    return test::run({"psql", "-X", "-q", "-v", "lock_timeout=" + lock_timeout, "-f",
                      TXINDEX_SOURCE_DIR "/config/postgresql/roles.sql", host + " user=postgres"});
  };
  pqxx::connection connection(host + " user=txindexd");
  const auto owners = [&] {
    pqxx::connection administrator(host + " user=postgres");
    pqxx::nontransaction query(administrator);
    const auto row = query.exec1(
        "SELECT string_agg(DISTINCT tableowner, ' ') FROM pg_tables WHERE schemaname = 'txindex'");
    return row[0].as<std::string>();
  };
  {
    pqxx::work reader(connection);
    reader.exec("SELECT count(*) FROM txindex.transactions");
    const test::Ran ran = script("100ms");
    EXPECT_EQ(ran.status, 3) << ran.output;
    EXPECT_NE(ran.output.find("lock timeout"), std::string::npos) << ran.output;
    EXPECT_EQ(owners(), "txindexd") << "all or nothing";
  }
  pqxx::work writer(connection);
  writer.exec("SELECT txindex.ensure_partitions(ARRAY[timestamptz '2026-11-21 10:00+00'])");
  auto running = std::async(std::launch::async, [&] { return script("60s"); });
  EXPECT_TRUE(test::eventually([&] {
    return old.query("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'") == "1";
  }));
  writer.commit();
  const test::Ran ran = running.get();
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(owners(), "txindexd_owner");
}

TEST_F(RolesTest, IngestStartsOnACurrentSchemaAndSaysWhatToDoAboutAnother) {
  const auto expect_says = [](const auto& failed, const std::string& what) {
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().message.find(what), std::string::npos) << failed.error().message;
    EXPECT_NE(failed.error().message.find("txindexd migrate"), std::string::npos)
        << failed.error().message;
    EXPECT_EQ(failed.error().message.find('\n'), std::string::npos);
    EXPECT_EQ(failed.error().exit_status, kExitConfiguration);
  };
  expect_says(migrate(as(kIngest), 1h), "permission denied");
  expect_says(PgStore::probe(options()), "permission denied");
  ASSERT_TRUE(migrate_as_owner());
  const auto nothing = migrate(as(kIngest), 1h);
  ASSERT_TRUE(nothing) << nothing.error().message;
  EXPECT_EQ(*nothing, 0);
  EXPECT_TRUE(PgStore::probe(options()));
  postgres.query("DELETE FROM txindex.schema_migrations WHERE version = " +
                 std::to_string(schema_version()));
  expect_says(migrate(as(kIngest), 1h), "version " + std::to_string(schema_version() - 1));
  expect_says(PgStore::probe(options()), "version " + std::to_string(schema_version() - 1));
}

}  // namespace
}  // namespace txindex::store
