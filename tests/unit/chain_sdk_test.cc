// Transactions that others made: each line of the data files is one, with what its maker says of
// it. A file that is missing or empty is a failure, so that nothing passes for want of data.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "txindex/chain/codec.h"

#include "chain/base58.h"
#include "chain/base64.h"
#include "support/solana_rebuild.h"
#include "verify/backend.h"
#include "verify/signature.h"

namespace txindex::chain {
namespace {

namespace json = boost::json;
using Blob = std::vector<std::uint8_t>;

std::vector<json::object> lines_of(const std::string& name) {
  std::string path = TXINDEX_TEST_DATA;
  path += '/';
  path += name;
  std::ifstream file(path);
  EXPECT_TRUE(file) << path << " is missing";
  std::vector<json::object> all;
  for (std::string line; std::getline(file, line);)
    all.push_back(json::parse(line).as_object());
  EXPECT_FALSE(all.empty()) << path << " is empty";
  return all;
}

std::string text(const json::value& value) {
  return json::value_to<std::string>(value);
}
std::int64_t number(const json::value& value) {
  return value.to_number<std::int64_t>();
}

Blob from_base64(const json::value& value) {
  const std::string encoded = text(value);
  Blob out(base64::max_bytes(encoded.size()));
  const auto length = base64::decode(encoded, out);
  EXPECT_TRUE(length) << encoded;
  out.resize(length.value_or(0));
  return out;
}

void expect_indexes(Bytes actual, const json::value& expected) {
  std::vector<std::int64_t> indexes;
  for (const json::value& index : expected.as_array())
    indexes.push_back(number(index));
  EXPECT_EQ(std::vector<std::int64_t>(actual.begin(), actual.end()), indexes);
}

void expect_accounts(std::span<const Account> actual, const json::array& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    SCOPED_TRACE("account " + std::to_string(i));
    const json::object& account = expected[i].as_object();
    int roles = i == 0 ? kFeePayer : 0;
    if (account.at("signer").as_bool()) roles |= kSigner;
    if (account.at("writable").as_bool()) roles |= kWritable;
    if (account.at("program").as_bool()) roles |= kProgram;
    EXPECT_EQ(base58::encode(actual[i].address), text(account.at("address")));
    EXPECT_EQ(actual[i].roles, roles);
  }
}

void expect_instructions(std::span<const Instruction> actual, const json::array& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    SCOPED_TRACE("instruction " + std::to_string(i));
    const json::object& instruction = expected[i].as_object();
    EXPECT_EQ(actual[i].program, number(instruction.at("program")));
    expect_indexes(actual[i].accounts, instruction.at("accounts"));
    EXPECT_EQ(base64::encode(actual[i].data), text(instruction.at("data")));
  }
}

void expect_lookups(std::span<const AddressLookup> actual, const json::array& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    SCOPED_TRACE("lookup " + std::to_string(i));
    const json::object& lookup = expected[i].as_object();
    EXPECT_EQ(base58::encode(actual[i].table), text(lookup.at("table")));
    expect_indexes(actual[i].writable, lookup.at("writable"));
    expect_indexes(actual[i].readonly, lookup.at("readonly"));
  }
}

void expect_signers(std::span<const SignatureCheck> actual, const json::array& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(base58::encode(actual[i].public_key), text(expected[i])) << "signer " << i;
  }
}

// Returns the version that the line says it is.
std::int64_t expect_as_described(const json::object& line) {
  const Codec& codec = *find_codec(1);
  const Blob raw = from_base64(line.at("base64"));
  const std::int64_t version = line.at("version").is_string() ? std::int64_t{Transaction::kLegacy}
                                                              : number(line.at("version"));
  EXPECT_EQ(static_cast<std::int64_t>(raw.size()), number(line.at("bytes")));

  TransactionTable table;
  const auto parsed = codec.parse(raw, table);
  EXPECT_TRUE(parsed) << parsed.error().detail;
  if (!parsed) return version;
  const Transaction& tx = table.transactions[0];
  EXPECT_EQ(tx.version, version);
  EXPECT_EQ(codec.txid_text(tx.txid), text(line.at("txid")));
  EXPECT_EQ(base58::encode(tx.fee_payer), text(line.at("fee_payer")));
  EXPECT_EQ(base58::encode(tx.recent_blockhash), text(line.at("recent_blockhash")));
  expect_signers(table.signatures_of(tx), line.at("signers").as_array());
  expect_accounts(table.accounts_of(tx), line.at("accounts").as_array());
  expect_instructions(table.instructions_of(tx), line.at("instructions").as_array());
  expect_lookups(table.lookups_of(tx), line.at("lookups").as_array());
  EXPECT_EQ(test::rebuild_solana(table, tx), raw);
  EXPECT_TRUE(verify::all_valid(codec.signature_rule(), tx.message, table.signatures_of(tx)));
  return version;
}

class SolanaOfOthers : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(verify::start(VerifyBackend::automatic)); }

  static std::set<std::int64_t> expect_all(const std::string& file) {
    std::set<std::int64_t> versions;
    for (const json::object& line : lines_of(file)) {
      SCOPED_TRACE(file + ": " + text(line.at("name")));
      versions.insert(expect_as_described(line));
    }
    return versions;
  }
};

TEST_F(SolanaOfOthers, TransactionsOfTheSdksAreAsTheyDescribeThem) {
  EXPECT_EQ(expect_all("solana_sdk.jsonl"), (std::set<std::int64_t>{-1, 0, 1}));
}

TEST_F(SolanaOfOthers, TransactionsOfMainnetAreAsTheSdkDescribesThem) {
  EXPECT_FALSE(expect_all("solana_mainnet.jsonl").empty());
}

}  // namespace
}  // namespace txindex::chain
