// The main job on the real binaries: what goes in, what is said of it, and what is in PostgreSQL.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <map>

#include "chain/base58.h"
#include "chain/base64.h"
#include "support/postgres.h"
#include "support/random.h"
#include "support/raw_client.h"
#include "support/sending.h"
#include "support/server.h"
#include "support/solana_builder.h"
#include "text/hex.h"
#include "verify/backend.h"
#include "verify/signature.h"

namespace txindex::test {
namespace {

class IngestTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(verify::start(VerifyBackend::automatic)); }

  std::int64_t number(const std::string& sql) { return std::stoll(postgres_.query(sql)); }
  std::int64_t rows() { return number("SELECT count(*) FROM txindex.transactions"); }

  PostgresCluster postgres_;
  TempDir dir_;
};

Blob read_data(const std::string& name) {
  const std::string text = read_file(TXINDEX_TEST_DATA "/" + name);
  return {text.begin(), text.end()};
}

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Signed by one key, unlike every other `number`.
Blob transfer(std::uint64_t number) {
  SolanaTransaction t;
  t.signers = {solana_key(1)};
  t.others = {solana_address(number), solana_address(0)};
  t.readonly_unsigned = 1;
  t.instructions = {{.program = 2, .accounts = {0, 1}, .data = {2, 0, 0, 0}}};
  return t.bytes();
}

TEST_F(IngestTest, EverythingSentIsCommittedOnceAndKnownWhenSentAgain) {
  Server server(postgres_.conninfo(), {"--workers", "2"});
  const std::string file = generate(dir_, 20'000);
  const Report first = send(server.address(), file, 8);
  EXPECT_EQ(first.status, 0) << first.output;
  EXPECT_EQ(first["committed"], 20'000);
  EXPECT_EQ(rows(), 20'000);
  EXPECT_EQ(number("SELECT count(DISTINCT txid) FROM txindex.transactions"), 20'000);
  const auto postings = number("SELECT count(*) FROM txindex.transaction_accounts");

  const Report second = send(server.address(), file, 3);
  EXPECT_EQ(second.status, 0) << second.output;
  EXPECT_EQ(second["duplicate"], 20'000);
  EXPECT_EQ(rows(), 20'000);
  EXPECT_EQ(number("SELECT count(*) FROM txindex.transaction_accounts"), postings);
  EXPECT_EQ(postings, number("SELECT sum(account_count) FROM txindex.transactions"));
  EXPECT_EQ(server.stop(), 0) << server.log();
}

TEST_F(IngestTest, MainnetTransactionsAreStoredByteForByteInBothModes) {
  Server server(postgres_.conninfo(), {"--workers", "1"});
  const Blob first = read_data("solana_mainnet_1.bin");
  const Blob second = read_data("solana_mainnet_2.bin");

  RawClient binary(server.port());
  binary.hello();
  binary.send_tx(first, now_us());
  EXPECT_EQ(binary.receive_acks(1).at(1), kCommitted);

  RawClient lines(server.port());
  lines.send(chain::base64::encode(second) + "\n" + chain::base64::encode(first) + "\n");
  const std::string txid = chain::base58::encode(Bytes(second).subspan(1, 64));
  EXPECT_EQ(lines.receive_line(), "committed " + txid);
  EXPECT_EQ(lines.receive_line(),
            "duplicate " + chain::base58::encode(Bytes(first).subspan(1, 64)));

  for (const auto& raw : {first, second}) {
    EXPECT_EQ(
        number("SELECT count(*) FROM txindex.transactions WHERE raw = '\\x" + text::hex(raw) + "'"),
        1);
  }
  EXPECT_EQ(number("SELECT count(*) FROM txindex.transaction('" + txid + "')"), 1);
}

TEST_F(IngestTest, TransactionsOfTheSdksAreCommittedWithTheAccountsThatTheSdkSees) {
  Server server(postgres_.conninfo(), {"--workers", "1"});
  RawClient client(server.port());
  client.hello();
  std::ifstream in(TXINDEX_TEST_DATA "/solana_sdk.jsonl");
  std::string line;
  std::vector<boost::json::value> all;
  while (std::getline(in, line)) {
    all.push_back(boost::json::parse(line));
    const std::string_view text = all.back().at("base64").as_string();
    Blob raw(chain::base64::max_bytes(text.size()));
    raw.resize(*chain::base64::decode(text, raw));
    client.send_tx(raw, now_us());
  }
  ASSERT_GT(all.size(), 50U);
  const auto codes = client.receive_acks(all.size());
  // Both SDKs make the same bytes of the same transaction: one of them is stored, whichever
  // writer's batch was first.
  struct Told {
    int committed = 0;
    int duplicate = 0;
    std::int64_t accounts = 0;
  };
  std::map<std::string, Told> told;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Told& of = told[std::string(all[i].at("txid").as_string())];
    const int code = codes.at(i + 1);
    ++(code == kCommitted ? of.committed : of.duplicate);
    EXPECT_LE(code, kDuplicate) << all[i].at("name");
    of.accounts = static_cast<std::int64_t>(all[i].at("accounts").as_array().size());
  }
  std::int64_t accounts = 0;
  for (const auto& [txid, of] : told) {
    EXPECT_EQ(of.committed, 1) << txid;
    EXPECT_EQ(number("SELECT count(*) FROM txindex.transaction('" + txid + "')"), 1) << txid;
    accounts += of.accounts;
  }
  EXPECT_EQ(rows(), static_cast<std::int64_t>(told.size()));
  EXPECT_EQ(number("SELECT count(*) FROM txindex.transaction_accounts"), accounts);
  const std::string payer(all[0].at("fee_payer").as_string());
  EXPECT_GT(number("SELECT count(*) FROM txindex.account_history('" + payer + "')"), 0);
}

TEST_F(IngestTest, AFlippedBitInAnyByteIsRejectedAndItsNeighboursAreCommitted) {
  Random random;
  Server server(postgres_.conninfo(), {"--workers", "1"});
  RawClient client(server.port());
  client.hello();
  std::uint64_t sent = 0;
  std::vector<std::uint64_t> flipped;
  std::vector<std::uint64_t> whole;
  for (const auto& good :
       {transfer(1), read_data("solana_mainnet_1.bin"), read_data("solana_mainnet_2.bin")}) {
    for (std::size_t byte = 0; byte < good.size(); ++byte) {
      Blob bad = good;
      bad[byte] ^= static_cast<std::uint8_t>(1U << random.below(8));
      client.send_tx(bad, now_us());
      flipped.push_back(++sent);
      client.send_tx(transfer(1000 + sent), now_us());
      whole.push_back(++sent);
    }
  }
  const auto codes = client.receive_acks(sent);
  for (const auto sequence : flipped) {
    const int code = codes.at(sequence);
    EXPECT_TRUE(code == kMalformed || code == kBadSignature || code == kUnsupported ||
                code == kTooLarge)
        << sequence << ": " << code;
  }
  for (const auto sequence : whole)
    EXPECT_EQ(codes.at(sequence), kCommitted) << sequence;
  EXPECT_EQ(rows(), static_cast<std::int64_t>(whole.size()));
}

TEST_F(IngestTest, EveryCodeIsSaidForItsReasonAndNoneOfThoseIsStored) {
  Server server(postgres_.conninfo(), {"--workers", "1", "--time-max-age", "1h"});
  postgres_.query(
      "ALTER TABLE txindex.transactions ADD CONSTRAINT test_only CHECK (length(raw) <> " +
      std::to_string(transfer(1).size() + 1) + ")");
  Blob refused_by_the_constraint = [] {
    SolanaTransaction t;
    t.signers = {solana_key(1)};
    t.others = {solana_address(5), solana_address(0)};
    t.readonly_unsigned = 1;
    t.instructions = {{.program = 2, .accounts = {0, 1}, .data = {2, 0, 0, 0, 0}}};
    return t.bytes();
  }();
  Blob bad_signature = transfer(2);
  bad_signature[10] ^= 1;
  constexpr std::int64_t kHourUs = 3'600'000'000;
  RawClient client(server.port());
  client.hello();
  client.send_tx(transfer(1), now_us());                // 1
  client.send_tx(transfer(1), now_us());                // 2
  client.send_tx({}, now_us());                         // 3
  client.send_tx(bad_signature, now_us());              // 4
  client.send_tx(transfer(3), now_us(), 77);            // 5: a chain that is not known
  client.send_tx(Blob(5000, 1), now_us());              // 6
  client.send_tx(refused_by_the_constraint, now_us());  // 7
  client.send_tx(transfer(4), now_us() + kHourUs);      // 8
  client.send_tx(transfer(4), now_us() - 2 * kHourUs);  // 9
  client.send_tx(transfer(4));                          // 10: no time at all
  client.send_tx(transfer(4), std::numeric_limits<std::int64_t>::min());  // 11
  client.send_tx(transfer(4), std::numeric_limits<std::int64_t>::max());  // 12
  const std::map<std::uint64_t, int> expected = {
      {1, kCommitted},      {2, kDuplicate},  {3, kMalformed},       {4, kBadSignature},
      {5, kUnsupported},    {6, kTooLarge},   {7, kRefused},         {8, kTimeOutOfRange},
      {9, kTimeOutOfRange}, {10, kCommitted}, {11, kTimeOutOfRange}, {12, kTimeOutOfRange}};
  EXPECT_EQ(client.receive_acks(12), expected) << server.log();
  EXPECT_EQ(rows(), 2);
}

TEST_F(IngestTest, LineModeSaysTheReason) {
  Server server(postgres_.conninfo(), {"--workers", "1"});
  RawClient client(server.port());
  Blob trailing = transfer(1);
  trailing.push_back(0);
  client.send(chain::base64::encode(trailing) + "\nnonsense!\n" +
              chain::base64::encode(transfer(2)) + "\n");
  client.half_close();
  const auto first = client.receive_line();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->rfind("rejected malformed ", 0), 0U) << *first;
  EXPECT_GT(first->size(), std::string("rejected malformed ").size());
  EXPECT_EQ(client.receive_line(), "rejected malformed not base64");
  const auto third = client.receive_line();
  ASSERT_TRUE(third);
  EXPECT_EQ(third->rfind("committed ", 0), 0U) << *third;
  EXPECT_EQ(client.receive_line(), std::nullopt);
}

TEST_F(IngestTest, EachIndexLevelStoresWhatItSays) {
  for (const std::string level : {"transactions", "accounts", "instructions"}) {
    Server server(postgres_.conninfo(), {"--workers", "1", "--index-level", level});
    const auto before = rows();
    const auto postings = number("SELECT count(*) FROM txindex.transaction_accounts");
    const auto instructions = number("SELECT count(*) FROM txindex.instructions");
    const Report report = send(server.address(), generate(dir_, 500));
    EXPECT_EQ(report["committed"], 500);
    EXPECT_EQ(rows(), before + 500);
    EXPECT_EQ(number("SELECT count(*) FROM txindex.transaction_accounts") > postings,
              level != "transactions");
    EXPECT_EQ(number("SELECT count(*) FROM txindex.instructions") > instructions,
              level == "instructions");
    EXPECT_EQ(server.stop(), 0);
  }
}

}  // namespace
}  // namespace txindex::test
