// Partitions past retention are dropped, and what is stored is measured, by one process of many.
#include <gtest/gtest.h>

#include <thread>

#include "log/log.h"
#include "store/migrations.h"
#include "store/retention_fixture.h"
#include "support/temp_dir.h"

namespace txindex::store {
namespace {

using namespace std::chrono_literals;
using stats::Word;
using wire::Outcome;

TEST_F(RetentionTest, DropsWholePartitionsThatAreOlderAndKeepsTheRest) {
  store_hours({0, 3, 4, 6, 7, 30});
  ASSERT_EQ(partitions(), "0 3 4 6 7 30");
  stats::Block own{};
  Maintenance working(maintenance(5h), own);
  // That of 6 hours ago ended 5 hours ago, or a little more.
  EXPECT_TRUE(eventually_partitions("0 3 4")) << partitions();
  EXPECT_TRUE(counted(Word::partitions_dropped, 3, own));
  EXPECT_EQ(count("transactions"), "30");
  EXPECT_EQ(count("transaction_accounts"), "90");
  // Nothing of the periods is left, in no table.
  EXPECT_EQ(postgres.query("SELECT count(*) FROM txindex.leaves() WHERE period_end <= now() -"
                           " interval '5 hours'"),
            "0");
  EXPECT_EQ(postgres.query("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace ="
                           " 'txindex'::regnamespace AND relname ~ '_[0-9]{8}_[0-9]{4}$'"),
            postgres.query("SELECT count(*) FROM txindex.leaves()"));
}

TEST_F(RetentionTest, IsExactAtTheEdge) {
  postgres.query("SELECT txindex.ensure_partitions(ARRAY['2026-11-21 10:30+00']::timestamptz[])");
  const auto before = [&](const std::string& cutoff) {
    return postgres.query("SELECT count(*) FROM txindex.periods_before('" + cutoff +
                          "') p"
                          " WHERE p = '2026-11-21 10:00+00'");
  };
  EXPECT_EQ(before("2026-11-21 10:59:59.999999+00"), "0");
  EXPECT_EQ(before("2026-11-21 11:00+00"), "1");
  // And so is what drops them, whoever asks.
  EXPECT_EQ(postgres.query("SELECT count(*) FROM txindex.drop_period('2026-11-21 10:00+00',"
                           " '2026-11-21 10:59:59.999999+00')"),
            "0");
  EXPECT_EQ(postgres.query("SELECT count(*) FROM txindex.drop_period('2026-11-21 10:00+00',"
                           " '2026-11-21 11:00+00')"),
            "5");
  EXPECT_EQ(postgres.query("SELECT string_agg(name, ' ') FROM txindex.leaves()"),
            "boundary_transactions_20261121_1000")
      << "which belongs to the period before";
}

// Retention is at least time.max_age and one interval, so whatever is accepted stays.
TEST_F(RetentionTest, WhatIsJustAcceptedIsNeverInAPartitionThatIsDropped) {
  const std::int64_t now = flow::wall_us();
  PgStore store(options(), block);
  ASSERT_EQ(write_one(store, sample.make(now - 4 * kHour)), Outcome::committed);
  stats::Block own{};
  Maintenance working(maintenance(5h), own);
  ASSERT_TRUE(counted(Word::store_partitions, 1, own));
  EXPECT_EQ(stats::get(own, Word::partitions_dropped), 0U);
  EXPECT_EQ(count("transactions"), "1");
}

TEST_F(RetentionTest, WithoutItNothingIsDroppedAndTheStoreIsMeasured) {
  store_hours({0, 40, 400});
  stats::Block own{};
  Maintenance working(maintenance(std::nullopt), own);
  EXPECT_TRUE(counted(Word::store_partitions, 3, own));
  EXPECT_TRUE(counted(Word::store_rows, 30, own)) << "counted, since nothing was analyzed yet";
  EXPECT_EQ(std::to_string(stats::get(own, Word::store_bytes)),
            postgres.query("SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind ="
                           " 'r' AND relnamespace = 'txindex'::regnamespace"
                           " AND relname ~ '_[0-9]{8}_[0-9]{4}$'"));
  EXPECT_EQ(partitions(), "0 40 400");
}

TEST_F(RetentionTest, RowsAreEstimatedFromWhatPostgresqlHasSeenOfThem) {
  PgStore store(options(), block);
  write(store, sample.make_many(2000, hours_ago(1)));
  postgres.query("ANALYZE txindex.transactions");
  // As many again, of which PostgreSQL has not taken notice, and a partition of which it knows
  // nothing at all.
  write(store, sample.make_many(2000, hours_ago(1)));
  write(store, sample.make_many(500, hours_ago(2)));
  const auto rows = std::stol(postgres.query("SELECT row_count FROM txindex.store_size()"));
  EXPECT_NEAR(static_cast<double>(rows), 4500, 150);
  EXPECT_EQ(postgres.query("SELECT partitions FROM txindex.store_size()"), "2");
  // Too large to be counted, too new to be known.
  EXPECT_EQ(postgres.query("SELECT txindex.row_estimate(leaf, 3) IS NULL FROM txindex.leaves()"
                           " WHERE parent = 'transactions' ORDER BY period LIMIT 1"),
            "t");
}

TEST_F(RetentionTest, OneOfManyDoesTheWorkAndAnotherTakesOver) {
  store_hours({0});
  stats::Block blocks[3] = {};
  std::vector<std::unique_ptr<Maintenance>> all;
  for (auto& own : blocks)
    all.push_back(std::make_unique<Maintenance>(maintenance(), own));
  const auto working = [&] {
    int found = -1;
    for (int i = 0; i < 3; ++i) {
      if (stats::get(blocks[i], Word::store_partitions) == 0) continue;
      EXPECT_EQ(found, -1) << "two at once";
      found = i;
    }
    return found;
  };
  for (int left = 3; left > 0; --left) {
    ASSERT_TRUE(test::eventually([&] { return working() >= 0; }));
    const int one = working();
    all[static_cast<std::size_t>(one)].reset();
    EXPECT_EQ(stats::get(blocks[one], Word::store_partitions), 0U);
    EXPECT_EQ(stats::get(blocks[one], Word::store_bytes), 0U);
  }
}

TEST_F(RetentionTest, OnlyTheOneThatWorksKeepsAConnection) {
  store_hours({0});
  stats::Block blocks[3] = {};
  std::vector<std::unique_ptr<Maintenance>> all;
  for (auto& own : blocks) {
    auto o = maintenance();
    o.interval = 1h;
    all.push_back(std::make_unique<Maintenance>(o, own));
  }
  // One connection can also be that of one that has only begun, so the lock counts with it.
  EXPECT_TRUE(test::eventually([&] {
    return postgres.query(
               "SELECT (SELECT count(*) FROM pg_stat_activity"
               "        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()) = 1"
               "   AND (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted) = "
               "1") == "t";
  }));
}

// --- Outages and ends ---------------------------------------------------------------------------

TEST_F(RetentionTest, APostgresqlThatWasAwayIsLookedAfterAgain) {
  store_hours({0, 9});
  stats::Block own{};
  Maintenance working(maintenance(std::nullopt), own);
  ASSERT_TRUE(counted(Word::store_partitions, 2, own));
  postgres.stop(test::PostgresCluster::Mode::immediate);
  EXPECT_TRUE(counted(Word::store_partitions, 0, own)) << "another may measure it by now";
  postgres.start();
  EXPECT_TRUE(counted(Word::store_partitions, 2, own));
}

TEST_F(RetentionTest, APostgresqlThatWasAwayIsLookedAfterSoonHoweverLongTheInterval) {
  store_hours({0, 9});
  postgres.stop(test::PostgresCluster::Mode::immediate);
  auto seldom = maintenance(std::nullopt);
  seldom.interval = std::chrono::hours(1);
  const test::TempDir dir;
  ASSERT_TRUE(log::initialise({.level = "debug", .file = dir / "log"}, "test"));
  {
    stats::Block own{};
    Maintenance working(seldom, own);
    EXPECT_TRUE(test::eventually(
        [&] { return test::read_file(dir / "log").find("maintenance: ") != std::string::npos; }));
    postgres.start();
    EXPECT_TRUE(counted(Word::store_partitions, 2, own));
  }
  ASSERT_TRUE(log::initialise({}, "test"));
}

TEST_F(RetentionTest, EndsAtOnceThoughPostgresqlHangs) {
  store_hours({0});
  stats::Block own{};
  auto working = std::make_unique<Maintenance>(maintenance(), own);
  ASSERT_TRUE(counted(Word::store_partitions, 1, own));
  postgres.pause();
  // Long enough for the next turn to have begun.
  EXPECT_FALSE(
      test::eventually([&] { return stats::get(own, Word::store_partitions) == 0; }, 300ms));
  std::atomic<bool> ended = false;
  std::thread ending([&] {
    working.reset();
    ended = true;
  });
  EXPECT_TRUE(test::eventually([&] { return ended.load(); }, 10s));
  postgres.resume();
  ending.join();
}

TEST_F(RetentionTest, EndsAtOnceWhileItWaits) {
  auto o = maintenance();
  o.interval = 1h;
  const auto begin = flow::steady_us();
  {
    stats::Block own{};
    Maintenance working(o, own);
  }
  EXPECT_LT(flow::steady_us() - begin, 30'000'000);
}

TEST_F(RetentionTest, ASchemaOfAnotherVersionIsLeftAlone) {
  store_hours({0, 9});
  postgres.query("INSERT INTO txindex.schema_migrations (version, name) VALUES (999, 'future')");
  stats::Block own{};
  Maintenance working(maintenance(), own);
  EXPECT_FALSE(
      test::eventually([&] { return stats::get(own, Word::partitions_dropped) > 0; }, 500ms));
  postgres.query("DELETE FROM txindex.schema_migrations WHERE version = 999");
  EXPECT_TRUE(eventually_partitions("0"));
}

TEST_F(RetentionTest, ARoleThatMayNotDropIsSaidOnceAndMeasuresAllTheSame) {
  store_hours({0, 9});
  postgres.query("CREATE ROLE reader LOGIN; SELECT txindex.grant_ingest('reader')");
  auto o = maintenance();
  o.conninfo += " user=reader";
  test::TempDir dir;
  const std::string log = dir / "log";
  ASSERT_TRUE(log::initialise({.level = "debug", .file = log}, "test"));
  {
    stats::Block own{};
    Maintenance working(o, own);
    EXPECT_TRUE(counted(Word::store_partitions, 2, own));
    const auto times = [&](const std::string& what) {
      const std::string text = test::read_file(log);
      int found = 0;
      for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
        ++found;
      return found;
    };
    EXPECT_TRUE(test::eventually([&] { return times("role reader may not drop this") >= 3; }));
    EXPECT_EQ(times(" warning "), 1) << test::read_file(log);
    EXPECT_EQ(stats::get(own, Word::store_partitions), 2U);
  }
  ASSERT_TRUE(log::initialise({}, "test"));
  EXPECT_EQ(partitions(), "0 9");
}

TEST_F(RetentionTest, WhatFailsBeforeItHasTheLockIsBegunAnew) {
  store_hours({0});
  postgres.query("CREATE ROLE stranger LOGIN");
  auto o = maintenance();
  o.conninfo += " user=stranger";
  stats::Block own{};
  Maintenance working(o, own);
  EXPECT_FALSE(
      test::eventually([&] { return stats::get(own, Word::store_partitions) > 0; }, 300ms));
  postgres.query("SELECT txindex.grant_ingest('stranger')");
  EXPECT_TRUE(counted(Word::store_partitions, 1, own));
  EXPECT_EQ(postgres.query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "1");
}

// --- Settings -----------------------------------------------------------------------------------

TEST_F(RetentionTest, EveryLeafHasTheSettingsOfATableThatOnlyGrows) {
  store_hours({0});
  for (const std::string parameter :
       {"fillfactor=100", "autovacuum_vacuum_insert_threshold=10000",
        "autovacuum_vacuum_insert_scale_factor=0.02", "autovacuum_freeze_min_age=0"}) {
    EXPECT_EQ(postgres.query("SELECT count(*) FROM txindex.leaves() l JOIN pg_class c ON c.oid ="
                             " l.leaf WHERE NOT '" +
                             parameter + "' = ANY(c.reloptions)"),
              "0")
        << parameter;
  }
  EXPECT_EQ(postgres.query("SELECT count(*) FROM txindex.leaves()"), "6");
}

TEST(RetentionSchema, LeavesFromBeforeGetTheSettingsToo) {
  test::PostgresCluster postgres;
  postgres.query(
      "CREATE SCHEMA txindex; CREATE TABLE txindex.schema_migrations (version integer PRIMARY KEY,"
      " name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())");
  for (const Migration& migration : migrations()) {
    if (migration.version > 3) break;
    postgres.query(std::string(migration.sql));
    postgres.query("INSERT INTO txindex.schema_migrations VALUES (" +
                   std::to_string(migration.version) + ", 'x')");
  }
  postgres.query("INSERT INTO txindex.settings (partition_seconds) VALUES (3600)");
  postgres.query("SELECT txindex.ensure_partitions(ARRAY['2026-11-21 10:30+00']::timestamptz[])");
  const auto migrated = migrate(postgres.conninfo(), 1h);
  ASSERT_TRUE(migrated) << migrated.error().message;
  EXPECT_EQ(*migrated, schema_version() - 3);
  EXPECT_EQ(postgres.query("SELECT count(*) FROM txindex.leaves() l JOIN pg_class c ON c.oid ="
                           " l.leaf WHERE 'autovacuum_vacuum_insert_scale_factor=0.02' ="
                           " ANY(c.reloptions)"),
            "6");
}

}  // namespace
}  // namespace txindex::store
