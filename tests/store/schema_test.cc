#include "store/schema.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "support/postgres.h"

namespace txindex::store {
namespace {

using namespace std::chrono_literals;

TEST(Schema, IsMadeOnceHoweverOftenItIsAskedFor) {
  test::PostgresCluster postgres;
  const auto first = migrate(postgres.conninfo(), 1h);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(*first, schema_version());
  const auto again = migrate(postgres.conninfo(), 1h);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, 0);
  EXPECT_TRUE(check_schema(postgres.conninfo(), 1h));
  EXPECT_EQ(postgres.query("SELECT count(*) FROM txindex.schema_migrations"),
            std::to_string(schema_version()));
}

TEST(Schema, IsMadeOnceByManyAtOnce) {
  test::PostgresCluster postgres;
  std::atomic<int> applied = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto done = migrate(postgres.conninfo(), 1h);
      EXPECT_TRUE(done) << done.error().message;
      if (done) applied += *done;
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(applied, schema_version());
}

TEST(Schema, OfAnotherVersionIsRefusedWithBothVersionsNamed) {
  test::PostgresCluster postgres;
  const auto none = check_schema(postgres.conninfo(), 1h);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("the tables of txindex have not been made"),
            std::string::npos)
      << none.error().message;
  ASSERT_TRUE(migrate(postgres.conninfo(), 1h));

  postgres.query("DELETE FROM txindex.schema_migrations WHERE version > 1");
  const auto older = check_schema(postgres.conninfo(), 1h);
  ASSERT_FALSE(older);
  EXPECT_NE(older.error().message.find("txindexd migrate"), std::string::npos);

  postgres.query("INSERT INTO txindex.schema_migrations (version, name) VALUES (999, 'future')");
  const std::string ours = "version " + std::to_string(schema_version());
  for (const auto& failed :
       {check_schema(postgres.conninfo(), 1h).error(), migrate(postgres.conninfo(), 1h).error()}) {
    EXPECT_NE(failed.message.find("version 999"), std::string::npos) << failed.message;
    EXPECT_NE(failed.message.find(ours), std::string::npos) << failed.message;
    EXPECT_EQ(failed.exit_status, kExitConfiguration);
  }
}

TEST(Schema, KeepsThePartitionIntervalItWasMadeWith) {
  test::PostgresCluster postgres;
  ASSERT_TRUE(migrate(postgres.conninfo(), 1h));
  for (const auto& failed :
       {check_schema(postgres.conninfo(), 2h).error(), migrate(postgres.conninfo(), 2h).error()}) {
    EXPECT_NE(failed.message.find("3600 s"), std::string::npos) << failed.message;
    EXPECT_NE(failed.message.find("7200 s"), std::string::npos) << failed.message;
  }
  EXPECT_FALSE(migrate(postgres.conninfo(), 90s));
}

TEST(Schema, PartitionsAreMadeOnceByManyAtOnce) {
  test::PostgresCluster postgres;
  ASSERT_TRUE(migrate(postgres.conninfo(), 1h));
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      made += std::stoi(postgres.query(
          "SELECT txindex.ensure_partitions(ARRAY['2026-11-21 10:00+00', '2026-11-21 "
          "10:59:59.999999+00',"
          " '2026-11-21 12:00+00', '1999-12-31 23:59:59.999999+00']::timestamptz[])"));
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(made, 3 * 4 + 6);
  EXPECT_EQ(postgres.query(
                "SELECT string_agg(c, ' ' ORDER BY c) FROM (SELECT inhrelid::regclass::text AS c"
                " FROM pg_inherits WHERE inhparent = 'txindex.transactions'::regclass) x"),
            "txindex.transactions_19991231_2300 txindex.transactions_20261121_1000"
            " txindex.transactions_20261121_1200");
}

TEST(Schema, RetentionDropsWholePartitionsAndTheirBoundaries) {
  test::PostgresCluster postgres;
  ASSERT_TRUE(migrate(postgres.conninfo(), 1h));
  postgres.query(
      "SELECT txindex.ensure_partitions(ARRAY['2026-11-21 10:30+00', '2026-11-21 "
      "11:30+00']::timestamptz[])");
  EXPECT_EQ(
      postgres.query("SELECT string_agg(n, ' ') FROM txindex.drop_partitions_before("
                     "'2026-11-21 11:59:59+00') n"),
      "txindex.boundary_transactions_20261121_1000 txindex.boundary_transactions_20261121_1100"
      " txindex.instructions_20261121_1000 txindex.transaction_accounts_20261121_1000"
      " txindex.transaction_lookups_20261121_1000 txindex.transactions_20261121_1000");
  EXPECT_EQ(postgres.query("SELECT count(*) FROM pg_inherits WHERE inhparent = "
                           "'txindex.transactions'::regclass"),
            "1");
}

TEST(Schema, ADetachedPartitionIsAnErrorThatNamesIt) {
  test::PostgresCluster postgres;
  ASSERT_TRUE(migrate(postgres.conninfo(), 1h));
  const std::string ensure =
      "SELECT txindex.ensure_partitions(ARRAY['2026-11-21 10:30+00']::timestamptz[])";
  postgres.query(ensure);
  postgres.query(
      "ALTER TABLE txindex.transactions DETACH PARTITION txindex.transactions_20261121_1000");
  try {
    postgres.query(ensure);
    FAIL() << "made a partition over a detached one";
  } catch (const std::exception& problem) {
    EXPECT_NE(std::string(problem.what()).find("transactions_20261121_1000"), std::string::npos);
  }
}

}  // namespace
}  // namespace txindex::store
