// What becomes of rows when all is well, and when a row is bad.
#include "store/pg_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>
#include <thread>

#include "store/store_fixture.h"
#include "text/hex.h"

namespace txindex::store {
namespace {

using namespace std::chrono_literals;
using stats::Word;
using test::kMiddle;
using test::kMinute;
using wire::Outcome;

class PgStoreTest : public StoreFixture {};

TEST_F(PgStoreTest, StoresEveryColumnAsItCame) {
  PgStore store(options(IndexLevel::instructions), block);
  Row row = sample.make(kMiddle + 123456,
                        {.raw_bytes = 1200, .accounts = 4, .instructions = 2, .lookups = 2});
  row.slot = 987654321;
  row.has_slot = true;
  ASSERT_EQ(write_one(store, row), Outcome::committed);
  const auto& t = *row.transaction;
  const auto& table = *row.table;

  EXPECT_EQ(postgres.query(
                "SELECT concat_ws(' ', ts AT TIME ZONE 'UTC', received_at AT TIME ZONE 'UTC', slot,"
                " chain, version, signature_count, account_count, instruction_count)"
                " FROM txindex.transactions"),
            "2026-11-21 10:30:00.123456 2026-11-21 10:30:00.123461 987654321 1 0 1 4 2");
  EXPECT_EQ(postgres.query(
                "SELECT concat_ws(' ', encode(txid, 'hex'), encode(fee_payer, 'hex'),"
                " encode(recent_blockhash, 'hex'), encode(raw, 'hex')) FROM txindex.transactions"),
            text::hex(t.txid) + " " + text::hex(t.fee_payer) + " " + text::hex(t.recent_blockhash) +
                " " + text::hex(t.raw));
  for (const auto& account : table.accounts) {
    EXPECT_EQ(postgres.query(
                  "SELECT a.roles FROM txindex.transaction_accounts a JOIN txindex.transactions t"
                  " USING (ts, id, chain) WHERE a.account = '\\x" +
                  text::hex(account.address) + "'"),
              std::to_string(account.roles));
  }
  EXPECT_EQ(count("transaction_accounts"), "4");
  EXPECT_EQ(
      postgres.query(
          "SELECT string_agg(concat_ws(',', encode(lookup_table, 'hex'), encode(writable, 'hex'),"
          " encode(readonly, 'hex')), ' ' ORDER BY ordinal) FROM txindex.transaction_lookups"
          " JOIN txindex.transactions USING (ts, id, chain)"),
      text::hex(table.lookups[0].table) + "," + text::hex(table.lookups[0].writable) + ", " +
          text::hex(table.lookups[1].table) + "," + text::hex(table.lookups[1].writable) + "," +
          text::hex(table.lookups[1].readonly));
  std::string expected;
  for (const auto& i : table.instructions) {
    expected += text::hex(table.accounts[i.program].address) + "," + text::hex(i.accounts) + "," +
                text::hex(i.data) + " ";
  }
  EXPECT_EQ(postgres.query(
                "SELECT string_agg(concat_ws(',', encode(program, 'hex'), encode(accounts, 'hex'),"
                " encode(data, 'hex')) || ' ', '' ORDER BY ordinal) FROM txindex.instructions"
                " JOIN txindex.transactions USING (ts, id, chain)"),
            expected);
}

TEST_F(PgStoreTest, StoresTheLargestTransactionWhole) {
  PgStore store(options(), block);
  const Row row = sample.make(kMiddle, {.raw_bytes = 4096});
  ASSERT_EQ(write_one(store, row), Outcome::committed);
  EXPECT_EQ(postgres.query("SELECT encode(raw, 'hex') FROM txindex.transactions"),
            text::hex(row.transaction->raw));
}

TEST_F(PgStoreTest, EachLevelStoresWhatItSays) {
  const test::Shape shape{.accounts = 3, .instructions = 2, .lookups = 1};
  const struct {
    IndexLevel level;
    const char* counts;
  } cases[] = {{IndexLevel::transactions, "0 0 0"},
               {IndexLevel::accounts, "30 10 0"},
               {IndexLevel::instructions, "60 20 20"}};
  for (const auto& c : cases) {
    PgStore store(options(c.level), block);
    EXPECT_EQ(write(store, sample.make_many(10, kMiddle, shape)),
              std::vector(10, Outcome::committed));
    EXPECT_EQ(count("transaction_accounts") + " " + count("transaction_lookups") + " " +
                  count("instructions"),
              c.counts);
  }
  EXPECT_EQ(count("transactions"), "30");
}

TEST_F(PgStoreTest, WhatIsSentAgainIsADuplicateAndAddsNothing) {
  PgStore store(options(), block);
  auto rows = sample.make_many(100);
  EXPECT_EQ(write(store, rows), std::vector(100, Outcome::committed));
  EXPECT_EQ(write(store, rows), std::vector(100, Outcome::duplicate));

  // Among new ones, in any order, only the new ones are stored.
  const auto fresh = sample.make_many(100);
  rows.insert(rows.end(), fresh.begin(), fresh.end());
  std::shuffle(rows.begin(), rows.end(), std::mt19937(seed));
  const auto outcomes = write(store, rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool is_fresh = std::any_of(fresh.begin(), fresh.end(), [&](const Row& r) {
      return r.transaction == rows[i].transaction;
    });
    EXPECT_EQ(outcomes[i], is_fresh ? Outcome::committed : Outcome::duplicate);
  }
  EXPECT_EQ(count("transactions"), "200");
  EXPECT_EQ(count("transaction_accounts"), "600");
  EXPECT_EQ(postgres.query("SELECT count(*) FROM txindex.transaction_accounts"
                           " JOIN txindex.transactions USING (ts, id)"),
            "600");
}

TEST_F(PgStoreTest, OneTransactionTwiceInABatchIsOneRow) {
  PgStore store(options(), block);
  const Row row = sample.make();
  auto outcomes = write(store, {row, row, row});
  std::sort(outcomes.begin(), outcomes.end());
  EXPECT_EQ(outcomes, (std::vector{Outcome::committed, Outcome::duplicate, Outcome::duplicate}));
  EXPECT_EQ(count("transactions"), "1");
  EXPECT_EQ(count("transaction_accounts"), "3");
}

TEST_F(PgStoreTest, TheSameIdOnAnotherChainIsAnotherTransaction) {
  PgStore store(options(), block);
  Row row = sample.make();
  auto other = *row.transaction;
  other.chain = static_cast<chain::ChainId>(2);
  Row second = row;
  second.transaction = &other;
  EXPECT_EQ(write(store, {row, second}), std::vector(2, Outcome::committed));
}

TEST_F(PgStoreTest, AnEmptyBatchIsDoneAtOnce) {
  PgStore store(options(), block);
  EXPECT_TRUE(store.write({}));
}

TEST_F(PgStoreTest, ManyPartitionsInOneBatch) {
  PgStore store(options(), block);
  std::vector<Row> rows;
  for (int i = 0; i < 60; ++i)
    rows.push_back(sample.make(kMiddle - i * 17 * kMinute));
  EXPECT_EQ(write(store, rows), std::vector(60, Outcome::committed));
  EXPECT_EQ(write(store, rows), std::vector(60, Outcome::duplicate));
  EXPECT_EQ(count("transactions"), "60");
}

// Whoever sends history in no order. PostgreSQL has few locks here, so that the test is short.
TEST_F(PgStoreTest, MorePartitionsThanThereAreLocksForInOneBatch) {
  postgres.stop();
  postgres.start({{"max_locks_per_transaction", "40"},
                  {"max_connections", "10"},
                  {"autovacuum_max_workers", "1"},
                  {"max_worker_processes", "1"},
                  {"max_wal_senders", "0"}});
  PgStore store(options(), block);
  for (const int batch : {1, 2}) {  // the partitions are made with the first
    auto rows = sample.make_many(160);
    for (std::size_t i = 0; i < rows.size(); ++i)
      rows[i].time_us -= static_cast<std::int64_t>(i % 80) * 60 * kMinute;
    ASSERT_EQ(write(store, rows), std::vector(160, Outcome::committed));
    EXPECT_EQ(stats::get(block, Word::batches), static_cast<std::uint64_t>(batch) * 80 / 16);
  }
  EXPECT_EQ(stats::get(block, Word::postgres_errors), 0U);
  EXPECT_EQ(postgres.query("SELECT count(DISTINCT period) FROM txindex.leaves()"
                           " WHERE parent = 'transactions'"),
            "80");
}

TEST_F(PgStoreTest, RowsThatPostgresqlRefusesCostTheirSenderOnly) {
  PgStore store(options(), block);
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);
  postgres.query("ALTER TABLE txindex.transactions ADD CONSTRAINT no_slot_7 CHECK (slot <> 7)");
  auto rows = sample.make_many(500);
  for (const std::size_t bad : {0U, 250U, 251U, 499U}) {
    rows[bad].slot = 7;
    rows[bad].has_slot = true;
  }
  const auto outcomes = write(store, rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(outcomes[i], rows[i].has_slot ? Outcome::refused_by_database : Outcome::committed);
  }
  EXPECT_EQ(count("transactions"), "497");
  EXPECT_EQ(count("transaction_accounts"), std::to_string(497 * 3));
  EXPECT_GT(stats::get(block, Word::postgres_bisections), 0U);
}

TEST_F(PgStoreTest, WhatNoColumnCanHoldIsRefusedBeforeItIsSent) {
  PgStore store(options(), block);
  Row far = test::stamped(sample.make(), std::numeric_limits<std::int64_t>::max());
  Row early = sample.make(-1);
  Row slot = sample.make();
  slot.slot = ~0ULL;
  slot.has_slot = true;
  const std::vector<std::uint8_t> long_id(5000, 1);
  Row named = sample.make();
  auto transaction = *named.transaction;
  transaction.txid = long_id;
  named.transaction = &transaction;
  const auto outcomes = write(store, {far, sample.make(), early, slot, named});
  const auto refused = Outcome::refused_by_database;
  EXPECT_EQ(outcomes, (std::vector{refused, Outcome::committed, refused, refused, refused}));
  EXPECT_EQ(stats::get(block, Word::postgres_errors), 0U);
}

TEST_F(PgStoreTest, CountsWhatItDoes) {
  PgStore store(options(), block);
  write(store, sample.make_many(20));
  write(store, sample.make_many(20));
  EXPECT_EQ(stats::get(block, Word::batches), 2U);
  EXPECT_EQ(stats::get(block, Word::batch_rows), 40U);
  EXPECT_EQ(stats::get(block, Word::postings), 120U);
  EXPECT_EQ(stats::get(block, Word::partitions_created), 6U);
  EXPECT_EQ(stats::get(block, Word::postgres_connects), 1U);
  EXPECT_EQ(stats::get(block, Word::postgres_connected), 1U);
  EXPECT_EQ(stats::get(block, Word::postgres_ambiguous), 0U);
}

TEST_F(PgStoreTest, ItIsAWriterBeforeItIsConnected) {
  const auto writers = [&] { return stats::get(block, Word::writers); };
  {
    PgStore one(options(), block);
    const PgStore other(options(), block);
    EXPECT_EQ(writers(), 2U);
    ASSERT_TRUE(one.connect());
    EXPECT_EQ(stats::get(block, Word::postgres_connected), 1U);
    EXPECT_EQ(writers(), 2U);
  }
  EXPECT_EQ(stats::get(block, Word::postgres_connected), 0U);
  EXPECT_EQ(writers(), 0U);
}

TEST_F(PgStoreTest, WritersWithTheSameRowsNeverDeadlock) {
  constexpr unsigned kWriters = 8;
  constexpr std::size_t kRounds = 6;
  const test::Shape shape{.raw_bytes = 100, .accounts = 1, .instructions = 1, .lookups = 0};
  std::vector<std::vector<Row>> rounds;
  for (std::size_t i = 0; i < kRounds; ++i)
    rounds.push_back(sample.make_many(400, kMiddle, shape));
  std::atomic<std::size_t> committed = 0;
  std::barrier together(kWriters);
  std::vector<std::thread> threads;
  for (unsigned w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      stats::Block own{};
      PgStore store(options(), own);
      EXPECT_TRUE(store.connect());
      std::mt19937 random(seed + w);
      for (std::size_t round = 0; round < kRounds; ++round) {
        // All at once the same rows, each writer in an order of its own; in every other round also
        // on both sides of a boundary.
        std::vector<Row> mine = rounds[round];
        std::shuffle(mine.begin(), mine.end(), random);
        mine.resize(mine.size() - w * 10);
        for (Row& row : mine) {
          if (round % 2 == 1 && random() % 2 == 0)
            row.time_us += (random() % 2 == 0 ? 29 : 31) * kMinute;
        }
        together.arrive_and_wait();
        EXPECT_TRUE(store.write(mine));
        for (const Row& row : mine)
          committed += row.outcome == Outcome::committed;
      }
      EXPECT_EQ(stats::get(own, Word::postgres_errors), 0U);
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(deadlocks(), "0");
  EXPECT_EQ(count("transactions"), std::to_string(committed));
  EXPECT_EQ(count("transaction_accounts"), std::to_string(committed));
  EXPECT_EQ(postgres.query("SELECT count(*) = count(DISTINCT id) FROM txindex.transactions"), "t");
  // Stamps further from the boundary than the window, in two partitions, are two rows.
  EXPECT_EQ(postgres.query("SELECT count(*) FROM (SELECT FROM txindex.transactions"
                           " GROUP BY txid, ts < '2026-11-21 11:00+00' HAVING count(*) > 1) x"),
            "0");
  EXPECT_EQ(
      postgres.query("SELECT count(*) FROM (SELECT FROM txindex.transactions"
                     " WHERE ts > '2026-11-21 10:50+00' GROUP BY txid HAVING count(*) > 1) x"),
      "0");
}

}  // namespace
}  // namespace txindex::store
