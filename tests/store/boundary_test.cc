// The duplicate rule where partitions meet: one hour each, and a window of ten minutes.
#include <gtest/gtest.h>
#include <algorithm>
#include <thread>

#include "store/partition.h"
#include "store/store_fixture.h"

namespace txindex::store {
namespace {

using test::kMiddle;
using test::kMinute;
using test::stamped;
using wire::Outcome;

constexpr std::int64_t kBoundary = kMiddle + 30 * kMinute;

class BoundaryTest : public StoreFixture {};

TEST(PartitionRule, FindsTheBoundaryOfAnyTwoStampsThatMustBeOneTransaction) {
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (const std::int64_t window : {10 * kMinute, 30 * kMinute, std::int64_t{1}}) {
    const PartitionRule rule{60 * kMinute, window};
    for (int i = 0; i < 100'000; ++i) {
      const std::int64_t first = static_cast<std::int64_t>(random() % (1ULL << 53)) - (1LL << 52);
      // Often close to a boundary, and often exactly the window away.
      const std::int64_t a = random() % 2 == 0 ? first : rule.partition_of(first) - 1;
      const std::int64_t b =
          a + (random() % 4 == 0
                   ? window
                   : static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(window + 1)));
      ASSERT_LE(rule.partition_of(a), a);
      ASSERT_GT(rule.partition_of(a) + rule.interval_us, a);
      if (rule.partition_of(a) == rule.partition_of(b)) continue;
      ASSERT_TRUE(rule.boundary_of(a)) << a << " " << b;
      ASSERT_EQ(rule.boundary_of(a), rule.boundary_of(b)) << a << " " << b;
    }
  }
}

TEST(PartitionRule, FarFromABoundaryThereIsNone) {
  const PartitionRule rule{60 * kMinute, 10 * kMinute};
  EXPECT_FALSE(rule.boundary_of(kMiddle));
  EXPECT_FALSE(rule.boundary_of(kBoundary - 10 * kMinute - 1));
  EXPECT_FALSE(rule.boundary_of(kBoundary + 10 * kMinute));
  EXPECT_FALSE((PartitionRule{60 * kMinute, 0}.boundary_of(kBoundary)));
}

TEST_F(BoundaryTest, AnotherStampInThePartitionIsADuplicate) {
  PgStore store(options(), block);
  const Row row = sample.make(kMiddle);
  EXPECT_EQ(write_one(store, row), Outcome::committed);
  EXPECT_EQ(write_one(store, stamped(row, kMiddle + 1)), Outcome::duplicate);
  EXPECT_EQ(write_one(store, stamped(row, kMiddle + 29 * kMinute)), Outcome::duplicate);
  EXPECT_EQ(count("transactions"), "1");
}

TEST_F(BoundaryTest, AcrossItWithinTheWindowIsADuplicateInEitherDirection) {
  PgStore store(options(), block);
  for (const std::int64_t direction : {-1, 1}) {
    const Row row = sample.make(kBoundary + direction * 5 * kMinute);
    EXPECT_EQ(write_one(store, row), Outcome::committed);
    EXPECT_EQ(write_one(store, stamped(row, kBoundary - direction * 5 * kMinute)),
              Outcome::duplicate);
  }
  const Row last = sample.make(kBoundary - 1);
  EXPECT_EQ(write_one(store, last), Outcome::committed);
  EXPECT_EQ(write_one(store, stamped(last, kBoundary)), Outcome::duplicate);
  EXPECT_EQ(count("transactions"), "3");
  EXPECT_EQ(count("transaction_accounts"), "9");
}

TEST_F(BoundaryTest, BothSidesInOneBatchAreOneRow) {
  PgStore store(options(), block);
  std::vector<Row> rows;
  for (int i = 0; i < 50; ++i) {
    rows.push_back(sample.make(kBoundary - kMinute));
    rows.push_back(stamped(rows.back(), kBoundary + kMinute));
    rows.push_back(sample.make(kMiddle));
  }
  std::shuffle(rows.begin(), rows.end(), std::mt19937(seed));
  const auto outcomes = write(store, rows);
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), Outcome::duplicate), 50);
  EXPECT_EQ(count("transactions"), "100");
  EXPECT_EQ(count("transaction_accounts"), "300");
}

TEST_F(BoundaryTest, ManyWritersOnBothSidesAtOnceStoreOneRow) {
  constexpr int kWriters = 8;
  const auto rows = sample.make_many(40, kBoundary - kMinute, {.accounts = 1});
  std::atomic<int> committed = 0;
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      stats::Block own{};
      PgStore store(options(), own);
      ASSERT_TRUE(store.connect());
      for (const Row& row : rows) {
        Row mine = stamped(row, kBoundary + (w % 2 == 0 ? -1 : 1) * kMinute);
        ASSERT_TRUE(store.write({&mine, 1}));
        committed += mine.outcome == Outcome::committed;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(committed, 40);
  EXPECT_EQ(count("transactions"), "40");
  EXPECT_EQ(deadlocks(), "0");
}

TEST_F(BoundaryTest, BeyondTheWindowAcrossItThereAreTwoRows) {
  PgStore store(options(), block);
  const Row row = sample.make(kBoundary - 20 * kMinute);
  EXPECT_EQ(write_one(store, row), Outcome::committed);
  EXPECT_EQ(write_one(store, stamped(row, kBoundary + 20 * kMinute)), Outcome::committed);
  EXPECT_EQ(count("transactions"), "2");
}

// The key is claimed for a row that its leaf then refuses; it must stand for the one in the leaf.
TEST_F(BoundaryTest, AKeyClaimedByADuplicateOfTheLeafStandsForTheRowThatIsThere) {
  PgStore store(options(), block);
  const Row row = sample.make(kMiddle);
  EXPECT_EQ(write_one(store, row), Outcome::committed);
  EXPECT_EQ(write_one(store, stamped(row, kBoundary - kMinute)), Outcome::duplicate);
  EXPECT_EQ(write_one(store, stamped(row, kBoundary + kMinute)), Outcome::duplicate);
  EXPECT_EQ(count("transactions"), "1");
  EXPECT_EQ(count("boundary_transactions"), "1");
}

TEST_F(BoundaryTest, OnlyRowsCloseToItHaveAKey) {
  PgStore store(options(), block);
  std::vector<Row> rows = sample.make_many(10, kMiddle);
  const auto close = sample.make_many(5, kBoundary - kMinute);
  rows.insert(rows.end(), close.begin(), close.end());
  EXPECT_EQ(write(store, rows), std::vector(15, Outcome::committed));
  EXPECT_EQ(count("boundary_transactions"), "5");
  EXPECT_EQ(postgres.query("SELECT count(*) FROM txindex.boundary_transactions b"
                           " JOIN txindex.transactions t USING (id, txid, chain)"),
            "5");
}

TEST_F(BoundaryTest, APartitionDroppedUnderAWriterIsMadeAgain) {
  PgStore store(options(), block);
  ASSERT_EQ(write(store, sample.make_many(3, kMiddle)), std::vector(3, Outcome::committed));
  postgres.query("SELECT count(*) FROM txindex.drop_partitions_before('2027-01-01')");
  EXPECT_EQ(write(store, sample.make_many(3, kMiddle)), std::vector(3, Outcome::committed));
  EXPECT_EQ(count("transactions"), "3");

  // Only the keys' partition: that of the boundary goes with the partition before it.
  ASSERT_EQ(write_one(store, sample.make(kBoundary + kMinute)), Outcome::committed);
  postgres.query("SELECT count(*) FROM txindex.drop_partitions_before('2026-11-21 11:00+00')");
  EXPECT_EQ(write_one(store, sample.make(kBoundary + kMinute)), Outcome::committed);
  EXPECT_EQ(count("transactions"), "2");
  EXPECT_EQ(stats::get(block, stats::Word::postgres_bisections), 0U);
}

TEST_F(BoundaryTest, RetentionAndWritersDoNotDeadlock) {
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  std::atomic<int> written = 0;
  for (int w = 0; w < 4; ++w) {
    threads.emplace_back([&, w] {
      test::SampleRows own_sample(seed + static_cast<unsigned>(w));
      stats::Block own{};
      PgStore store(options(IndexLevel::instructions), own);
      while (!done) {
        auto rows =
            own_sample.make_many(20, kMiddle + (w % 2 == 0 ? 0 : 29 * kMinute), {.lookups = 1});
        ASSERT_TRUE(store.write(rows));
        for (const Row& row : rows)
          ASSERT_EQ(row.outcome, Outcome::committed);
        ++written;
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    const int before = written;
    ASSERT_TRUE(test::eventually([&] { return written > before + 4; }));
    EXPECT_NO_THROW(
        postgres.query("SELECT count(*) FROM txindex.drop_partitions_before('2027-01-01')"));
  }
  done = true;
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(deadlocks(), "0");
}

}  // namespace
}  // namespace txindex::store
