// What a person asks in psql.
#include <gtest/gtest.h>

#include <pqxx/pqxx>

#include "store/store_fixture.h"
#include "text/hex.h"

namespace txindex::store {
namespace {

using test::kMiddle;
using test::kMinute;
using wire::Outcome;

class PeopleTest : public StoreFixture {
 protected:
  PeopleTest() : connection(postgres.conninfo()), work(connection) {}

  std::string ask(const std::string& sql) {
    const auto rows = work.exec(sql);
    return rows.empty() || rows[0][0].is_null() ? "" : rows[0][0].c_str();
  }
  std::string base58(Bytes bytes) {
    return ask("SELECT txindex.base58('\\x" + text::hex(bytes) + "')");
  }

  pqxx::connection connection;
  pqxx::nontransaction work;
};

TEST_F(PeopleTest, Base58IsThatOfBitcoin) {
  const struct {
    const char* hex;
    const char* text;
  } cases[] = {
      {"", ""},
      {"00", "1"},
      {"0000", "11"},
      {"61", "2g"},
      {"626262", "a3gV"},
      {"00000028", "111h"},
      {"0000287fb4cd", "11233QC4"},
      {"00eb15231dfceb60925886b67d065299925915aeb172c06647", "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"},
      {"73696d706c792061206c6f6e6720737472696e67", "2cFupjhnEsSn59qHXstmK2ffpLv2"},
      // Solana's system program.
      {"0000000000000000000000000000000000000000000000000000000000000000",
       "11111111111111111111111111111111"},
      {"06ddf6e1d765a193d9cbe146ceeb79ac1cb485ed5f5b37913a8cf5857eff00a9",
       "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ask(std::string("SELECT txindex.base58('\\x") + c.hex + "')"), c.text);
    EXPECT_EQ(ask(std::string("SELECT encode(txindex.from_base58('") + c.text + "'), 'hex')"),
              c.hex);
  }
}

TEST_F(PeopleTest, Base58ComesBackForAnyBytes) {
  EXPECT_EQ(ask("SELECT count(*) FROM (SELECT substring('\\x00000000'::bytea FROM 1 FOR n % 5)"
                " || substring(sha512(n::text::bytea) FROM 1 FOR n % 65) AS b"
                " FROM generate_series(1, 1000) n) x"
                " WHERE txindex.from_base58(txindex.base58(b)) <> b"),
            "0");
}

TEST_F(PeopleTest, WhatIsNotBase58IsAnError) {
  for (const std::string text : {"0", "O", "I", "l", "abc def", "2g\\n"}) {
    EXPECT_THROW(ask("SELECT txindex.from_base58('" + text + "')"), pqxx::data_exception) << text;
  }
}

TEST_F(PeopleTest, FindATransactionByItsId) {
  PgStore store(options(), block);
  auto rows = sample.make_many(50);
  for (auto& row : rows)
    row.time_us += static_cast<std::int64_t>(row.transaction->raw[0] % 5) * 60 * kMinute;
  rows[7].slot = 12345;
  rows[7].has_slot = true;
  ASSERT_EQ(write(store, rows), std::vector(50, Outcome::committed));
  const std::string id = base58(rows[7].transaction->txid);
  const auto found = work.exec(
      "SELECT encode(raw, 'hex'), chain, version, slot, fee_payer"
      " FROM txindex.transaction('" +
      id + "')");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0][0].c_str(), text::hex(rows[7].transaction->raw));
  EXPECT_STREQ(found[0][1].c_str(), "solana");
  EXPECT_STREQ(found[0][2].c_str(), "legacy");
  EXPECT_STREQ(found[0][3].c_str(), "12345");
  EXPECT_EQ(found[0][4].c_str(), base58(rows[7].transaction->fee_payer));
  EXPECT_EQ(work.exec("SELECT * FROM txindex.transaction('11111')").size(), 0U);
}

// In leaves that are unique by all of the id, as those made before migration 6 are, and in others.
TEST_F(PeopleTest, AnIdIsFoundByAnIndexAndStoredOnceInOlderLeavesToo) {
  PgStore store(options(), block);
  auto rows = sample.make_many(20);
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i].time_us += static_cast<std::int64_t>(i % 2) * 60 * kMinute;
  ASSERT_EQ(write(store, rows), std::vector(20, Outcome::committed));
  const std::string older =
      ask("SELECT min(leaf::text) FROM txindex.leaves()"
          " WHERE parent = 'transactions'");
  work.exec("DROP INDEX " + older + "_txid");
  work.exec("CREATE UNIQUE INDEX ON " + older + " (txid, chain)");

  work.exec(
      "SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = "
      "force_generic_plan; LOAD 'auto_explain'; SET auto_explain.log_nested_statements = on;"
      " SET auto_explain.log_min_duration = 0");
  for (const Row& row : {rows[0], rows[1]}) {
    const std::string id = base58(row.transaction->txid);
    EXPECT_EQ(ask("SELECT count(*) FROM txindex.transaction('" + id + "')"), "1");
  }
  work.exec("SET auto_explain.log_min_duration = -1");
  const std::string log = postgres.log();
  EXPECT_NE(log.find("_txid on transactions_"), std::string::npos);
  EXPECT_NE(log.find("_txid_chain_idx on transactions_"), std::string::npos);
  EXPECT_EQ(log.find("Seq Scan on transactions_"), std::string::npos);

  EXPECT_EQ(write(store, rows), std::vector(20, Outcome::duplicate));
}

// Which nobody can make; but a leaf that is unique by something else would store both.
TEST_F(PeopleTest, ATransactionIsUniqueByTheEndOfItsIdAsTheProgramSortsThem) {
  PgStore store(options(), block);
  auto rows = sample.make_many(2);
  std::vector<std::uint8_t> other(rows[0].transaction->txid.begin(),
                                  rows[0].transaction->txid.end());
  ASSERT_EQ(other.size(), 64U);
  other[39] ^= 1;
  chain::Transaction twin = *rows[0].transaction;
  twin.txid = other;
  Row row = rows[0];
  row.transaction = &twin;
  ASSERT_EQ(write(store, rows), std::vector(2, Outcome::committed));
  std::vector<Row> second = {row};
  EXPECT_EQ(write(store, second), std::vector(1, Outcome::duplicate));
  other[40] ^= 1;
  EXPECT_EQ(write(store, second), std::vector(1, Outcome::committed));

  for (const std::size_t size : {0U, 1U, 23U, 24U, 25U, 64U}) {
    const Bytes txid = Bytes(other).first(size);
    EXPECT_EQ(ask("SELECT encode(substr(x, length(x) - 23), 'hex') FROM (VALUES ('\\x" +
                  text::hex(txid) + "'::bytea)) t(x)"),
              text::hex(key_of(txid)))
        << size;
  }
}

TEST_F(PeopleTest, AnAddressHasItsHistoryNewestFirstAndPageByPage) {
  PgStore store(options(), block);
  // One account in 90 of 100 transactions, over four partitions, often several with one stamp.
  auto rows = sample.make_many(100);
  const chain::Account account = rows[0].table->accounts[1];
  std::vector<chain::TransactionTable> tables(100);
  for (std::size_t i = 0; i < 100; ++i) {
    tables[i] = *rows[i].table;
    if (i >= 10) tables[i].accounts[1] = {account.address, chain::kWritable};
    if (i < 10) tables[i].accounts[1] = tables[i].accounts[2];
    rows[i].table = &tables[i];
    rows[i].time_us = kMiddle - static_cast<std::int64_t>(i / 7) * 16 * kMinute;
  }
  ASSERT_EQ(write(store, rows), std::vector(100, Outcome::committed));
  const std::string address = base58(account.address);

  const auto newest = work.exec(
      "SELECT txid, array_to_string(roles, ','), ts FROM"
      " txindex.account_history('" +
      address + "')");
  ASSERT_EQ(newest.size(), 20U);
  EXPECT_STREQ(newest[0][1].c_str(), "writable");

  std::string page = "txindex.account_history('" + address + "', NULL, 13)";
  std::vector<std::string> seen;
  std::string last_ts = "infinity";
  for (;;) {
    const auto got = work.exec("SELECT txid, ts, id FROM " + page);
    for (const auto& row : got)
      seen.push_back(row[0].c_str());
    if (got.empty()) break;
    const auto& last = got[got.size() - 1];
    page = "txindex.account_history('" + address + "', '" + last[1].c_str() + "', 13, " +
           last[2].c_str() + ")";
  }
  EXPECT_EQ(seen.size(), 90U);
  const auto expected = work.exec(
      "SELECT txindex.base58(t.txid) FROM txindex.transactions t JOIN txindex.transaction_accounts "
      "a"
      " USING (ts, id) WHERE a.account = '\\x" +
      text::hex(account.address) + "' ORDER BY ts DESC, id DESC");
  ASSERT_EQ(expected.size(), seen.size());
  for (std::size_t i = 0; i < seen.size(); ++i)
    EXPECT_EQ(seen[i], expected[static_cast<unsigned>(i)][0].c_str());

  // By time alone.
  EXPECT_EQ(ask("SELECT count(*) FROM txindex.account_history('" + address +
                "', '2026-11-21 10:30+00', 1000) WHERE ts >= '2026-11-21 10:30+00'"),
            "0");
}

// Newest partitions first, one after the other, until the page is full.
TEST_F(PeopleTest, AHistoryReadsNoMorePartitionsThanItNeeds) {
  PgStore store(options(), block);
  std::vector<Row> rows;
  for (int i = 0; i < 40; ++i)
    rows.push_back(sample.make(kMiddle - i * 60 * kMinute));
  ASSERT_EQ(write(store, rows), std::vector(40, Outcome::committed));
  const auto plan = work.exec(
      "EXPLAIN (ANALYZE, TIMING OFF) SELECT p.ts, p.id FROM txindex.transaction_accounts p"
      " WHERE p.account = '\\x" +
      text::hex(rows[0].table->accounts[0].address) +
      "' AND p.ts <= 'infinity' ORDER BY p.ts DESC, p.id DESC LIMIT 1");
  int never = 0;
  for (const auto& line : plan) {
    never += std::string(line[0].c_str()).find("never executed") != std::string::npos;
    EXPECT_EQ(std::string(line[0].c_str()).find("Seq Scan"), std::string::npos);
  }
  EXPECT_EQ(never, 39);
}

TEST_F(PeopleTest, ProgramsAreCountedByTransactionsThatCallThem) {
  PgStore store(options(), block);
  auto rows = sample.make_many(10);
  std::vector<chain::TransactionTable> tables(10);
  for (std::size_t i = 0; i < 10; ++i) {
    tables[i] = *rows[i].table;
    if (i < 7) tables[i].accounts[2].address = rows[0].table->accounts[2].address;
    rows[i].table = &tables[i];
  }
  ASSERT_EQ(write(store, rows), std::vector(10, Outcome::committed));
  const auto counts =
      work.exec("SELECT program, transactions FROM txindex.program_counts('2026-11-21')");
  ASSERT_EQ(counts.size(), 4U);
  EXPECT_EQ(counts[0][0].c_str(), base58(rows[0].table->accounts[2].address));
  EXPECT_STREQ(counts[0][1].c_str(), "7");
  EXPECT_EQ(ask("SELECT count(*) FROM txindex.program_counts('2026-11-21', '2026-11-21 10:00+00')"),
            "0");
}

TEST_F(PeopleTest, TheRecentOnesAreThere) {
  PgStore store(options(), block);
  const auto older = sample.make_many(5, kMiddle - 120 * kMinute);
  const Row newest = sample.make(kMiddle);
  ASSERT_EQ(write(store, older), std::vector(5, Outcome::committed));
  ASSERT_EQ(write_one(store, newest), Outcome::committed);
  EXPECT_EQ(ask("SELECT txid FROM txindex.recent LIMIT 1"), base58(newest.transaction->txid));
  EXPECT_EQ(ask("SELECT count(*) FROM txindex.recent"), "6");
}

// Somebody else's function or operator of the same name must not be called.
TEST_F(PeopleTest, FunctionsDoNotDependOnTheSearchPath) {
  EXPECT_EQ(ask("SELECT string_agg(proname, ' ') FROM pg_proc WHERE pronamespace = "
                "'txindex'::regnamespace"
                " AND coalesce(array_to_string(proconfig, ' '), '') !~ 'search_path='"),
            "");
}

}  // namespace
}  // namespace txindex::store
