// The oracle sees each kind of harm that is done to what the service has stored, and no other.
#include "faults/oracle.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/postgres.h"
#include "support/sending.h"
#include "support/server.h"

namespace txindex::test {
namespace {

constexpr std::uint64_t kCount = 400;

class OracleTest : public testing::Test {
 protected:
  void SetUp() override {
    Server server(postgres_.conninfo(), {"--workers", "1", "--index-level=instructions",
                                         "--partition-interval=1min", "--dedup-window=30s"});
    const Ran ran =
        run({TXINDEX_BINARY, "load", "--quiet", "--server", server.address(), "--connections", "4",
             "--count", std::to_string(kCount), "--journal", journal()});
    ASSERT_EQ(ran.status, 0) << ran.output;
    others_ = generate(dir_, 7);
    ASSERT_EQ(send(server.address(), others_).status, 0);
    ASSERT_EQ(server.stop(), 0) << server.log();
  }

  std::string journal() const { return dir_ / "journal"; }
  Counts counts(bool with_others = true, IndexLevel level = IndexLevel::instructions) {
    Evidence evidence{.journals = {{.folder = journal()}},
                      .database = postgres_.conninfo(),
                      .level = level,
                      .rule = {60'000'000, 30'000'000}};
    if (with_others) evidence.others = {others_};
    const auto judged = judge(evidence);
    if (!judged) throw std::runtime_error(judged.error().message);
    return *judged;
  }
  void harm(const std::string& sql) { postgres_.query(sql); }
  // The n-th row of the load, in the order of its ids.
  static std::string row(int n) {
    return "(SELECT id FROM txindex.transactions ORDER BY id OFFSET " + std::to_string(n) +
           " LIMIT 1)";
  }

  PostgresCluster postgres_;
  TempDir dir_;
  std::string others_;
};

TEST_F(OracleTest, SeesEachKindOfHarm) {
  {
    const Counts c = counts();
    EXPECT_TRUE(c.clean()) << to_text(c);
    EXPECT_EQ(c.sent, kCount);
    EXPECT_EQ(c.acked, kCount);
    EXPECT_EQ(c.rows, kCount + 7);
    EXPECT_EQ(c.present_others, 7U);
    EXPECT_EQ(c.present_unacked, 0U);
    EXPECT_GE(c.signatures, c.rows);
    EXPECT_TRUE(c.journal_ended);
  }
  EXPECT_EQ(counts(false).never_sent, 7U);

  // What was done before stays: each step adds to one count.
  harm(
      "UPDATE txindex.transactions SET fee_payer = set_byte(fee_payer, 0, 255 - get_byte(fee_payer,"
      " 0)) WHERE id = " +
      row(1));
  EXPECT_EQ(counts().wrong_columns, 1U);
  harm("UPDATE txindex.transactions SET ts = ts + interval '1 microsecond' WHERE id = " + row(2));
  // Its postings are at another time now: they belong to no row, and it has none.
  EXPECT_EQ(counts().wrong_columns, 2U);
  EXPECT_GT(counts().wrong_postings, 1U);
  for (const std::string table : {"transaction_accounts", "transaction_lookups", "instructions"}) {
    harm("UPDATE txindex." + table +
         " p SET ts = t.ts FROM txindex.transactions t WHERE p.id = t.id");
  }
  EXPECT_EQ(counts().wrong_postings, 0U);

  harm("UPDATE txindex.transaction_accounts SET roles = roles # 2 WHERE id = " + row(3) +
       " AND roles & 8 <> 0");
  EXPECT_EQ(counts().wrong_postings, 1U);
  harm("DELETE FROM txindex.transaction_accounts WHERE id = " + row(4) + " AND roles & 8 <> 0");
  EXPECT_EQ(counts().wrong_postings, 2U);
  harm(
      "INSERT INTO txindex.transaction_accounts SELECT ts, 1, chain, roles, account"
      " FROM txindex.transaction_accounts WHERE id = " +
      row(5) + " AND roles & 8 <> 0");
  EXPECT_EQ(counts().wrong_postings, 3U);
  harm(
      "INSERT INTO txindex.transaction_lookups SELECT ts, id, chain, 0, fee_payer, '\\x01', ''"
      " FROM txindex.transactions WHERE id = " +
      row(8));
  EXPECT_EQ(counts().wrong_postings, 4U);
  harm("UPDATE txindex.instructions SET data = data || '\\x00' WHERE ordinal = 0 AND id = " +
       row(9));
  EXPECT_EQ(counts().wrong_postings, 5U);
  EXPECT_GT(counts(true, IndexLevel::accounts).wrong_postings, kCount) << "there should be none";

  EXPECT_EQ(counts().wrong_columns, 2U);
  harm("UPDATE txindex.transactions SET slot = 5 WHERE id = " + row(10));
  EXPECT_EQ(counts().wrong_columns, 3U);
  harm("UPDATE txindex.transactions SET received_at = received_at - interval '1 hour' WHERE id = " +
       row(11));
  EXPECT_EQ(counts().wrong_received, 1U);
  harm("UPDATE txindex.transactions SET received_at = received_at + interval '1 hour' WHERE id = " +
       row(12));
  EXPECT_EQ(counts().wrong_received, 2U);

  EXPECT_EQ(counts().wrong_boundaries, 0U);
  harm(
      "DELETE FROM txindex.boundary_transactions WHERE txid ="
      " (SELECT txid FROM txindex.transactions WHERE id = " +
      row(13) + ")");
  EXPECT_EQ(counts().wrong_boundaries, 1U);
  harm("UPDATE txindex.boundary_transactions SET txid = txid || '\\x00' WHERE id = " + row(14));
  // That of the row is missing, and what is there belongs to none.
  EXPECT_EQ(counts().wrong_boundaries, 3U);

  // The last bytes are of the last instruction's data, or of a signature.
  harm(
      "UPDATE txindex.transactions SET raw = set_byte(raw, length(raw) - 1,"
      " get_byte(raw, length(raw) - 1) # 1) WHERE id = " +
      row(6));
  EXPECT_EQ(counts().unverified, 1U);

  // The unique index does not reach over partitions.
  harm("SELECT txindex.ensure_partitions(ARRAY[now() - interval '5 days'])");
  harm(
      "INSERT INTO txindex.transactions (ts, id, slot, received_at, chain, version,"
      " signature_count, account_count, instruction_count, txid, fee_payer, recent_blockhash, raw)"
      " SELECT now() - interval '5 days', 2, slot, received_at, chain, version, signature_count,"
      " account_count, instruction_count, txid, fee_payer, recent_blockhash, raw"
      " FROM txindex.transactions WHERE id = " +
      row(7));
  EXPECT_EQ(counts().doubled, 1U);

  EXPECT_EQ(counts().acked_missing, 0U);
  harm("DELETE FROM txindex.transactions WHERE id = " + row(20));
  EXPECT_EQ(counts().acked_missing, 1U);
  EXPECT_FALSE(counts().clean());
}

TEST_F(OracleTest, WhatWasNotAnsweredIsAllowed) {
  // Its END and some answers are gone, as when the load is killed.
  std::uint64_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(journal())) {
    std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) - 100);
    ++files;
  }
  ASSERT_GT(files, 0U);
  const Counts c = counts();
  EXPECT_TRUE(c.clean()) << to_text(c);
  EXPECT_FALSE(c.journal_ended);
  EXPECT_EQ(c.sent, kCount);
  EXPECT_GT(c.unacked(), 0U);
  EXPECT_EQ(c.present_unacked, c.unacked());
}

TEST_F(OracleTest, SaysWhatItCannotRead) {
  const auto nowhere =
      judge({.journals = {{.folder = dir_ / "nowhere"}}, .database = postgres_.conninfo()});
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().message.find("nowhere"), std::string::npos);
  postgres_.stop();
  EXPECT_FALSE(judge({.journals = {{.folder = journal()}}, .database = postgres_.conninfo()}));
}

}  // namespace
}  // namespace txindex::test
