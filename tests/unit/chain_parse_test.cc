// What the codec makes of good transactions, of pieces of them, and of noise.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>

#include "txindex/chain/codec.h"

#include "support/process.h"
#include "support/solana_builder.h"
#include "support/solana_rebuild.h"
#include "verify/backend.h"
#include "verify/signature.h"

namespace txindex::chain {
namespace {

using test::Blob;
using test::SolanaTransaction;
constexpr int kVersions[] = {SolanaTransaction::kLegacy, 0, 1};

Blob mainnet(int number) {
  std::string path = TXINDEX_TEST_DATA;
  path += number == 1 ? "/solana_mainnet_1.bin" : "/solana_mainnet_2.bin";
  const std::string text = test::read_file(path);
  return {text.begin(), text.end()};
}

bool verifies(const TransactionTable& table, const Transaction& tx) {
  return verify::all_valid(test::solana_codec().signature_rule(), tx.message,
                           table.signatures_of(tx));
}

// Parses a copy with nothing before and after it that a sanitizer would let pass.
result<void, Rejection> parse_alone(Bytes bytes, TransactionTable& table) {
  const auto copy = std::make_unique<std::uint8_t[]>(bytes.size());
  std::ranges::copy(bytes, copy.get());
  const auto parsed = test::solana_codec().parse({copy.get(), bytes.size()}, table);
  if (parsed) {
    EXPECT_TRUE(std::ranges::equal(test::rebuild_solana(table, table.transactions.back()), bytes));
    table.clear();
  }
  return parsed;
}

std::vector<Blob> good_transactions() {
  std::vector<Blob> all = {mainnet(1), mainnet(2)};
  for (const int version : kVersions) {
    all.push_back(test::solana_transfer(version).bytes());
    all.push_back(test::solana_mixture(version).bytes());
  }
  return all;
}

// Of any shape that is allowed and fits.
SolanaTransaction random_transaction(std::mt19937_64& random) {
  const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const auto blob = [&](std::size_t size, std::size_t limit) {
    Blob out(size);
    for (auto& byte : out)
      byte = static_cast<std::uint8_t>(below(limit));
    return out;
  };
  SolanaTransaction tx;
  tx.version = kVersions[below(3)];
  const std::size_t signers = 1 + below(4);
  for (std::size_t i = 0; i < signers; ++i)
    tx.signers.push_back(test::solana_key(random()));
  tx.readonly_signed = static_cast<std::uint8_t>(below(signers));
  const std::size_t others = 1 + below(12);
  for (std::size_t i = 0; i < others; ++i)
    tx.others.push_back(test::solana_address(random()));
  tx.readonly_unsigned = static_cast<std::uint8_t>(below(others + 1));
  tx.blockhash = test::solana_address(random());
  std::size_t accounts = signers + others;
  if (tx.version == 0) {
    for (std::size_t i = below(3); i > 0; --i) {
      const std::size_t writable = below(5);
      tx.lookups.push_back({test::solana_address(random()), blob(writable, 256),
                            blob(below(5) + (writable == 0 ? 1 : 0), 256)});
      accounts += tx.lookups.back().writable.size() + tx.lookups.back().readonly.size();
    }
  }
  if (tx.version == 1) {
    if (below(2) == 0) tx.config.priority_fee = random();
    if (below(2) == 0) tx.config.compute_unit_limit = static_cast<std::uint32_t>(random());
    if (below(2) == 0) tx.config.loaded_accounts_data_limit = static_cast<std::uint32_t>(random());
    if (below(2) == 0) tx.config.heap_bytes = static_cast<std::uint32_t>(1024 * (32 + below(225)));
  }
  for (std::size_t i = below(5); i > 0; --i) {
    tx.instructions.push_back(
        {.program = static_cast<std::uint8_t>(1 + below(signers + others - 1)),
         .accounts = blob(below(20), accounts),
         .data = blob(below(60), 256)});
  }
  return tx;
}

class SolanaParse : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(verify::start(VerifyBackend::automatic)); }
  const std::random_device::result_type seed_ = std::random_device{}();
  std::mt19937_64 random_{seed_};
};

TEST_F(SolanaParse, TransferSaysWhoPaidWhomThroughWhat) {
  for (const int version : kVersions) {
    SCOPED_TRACE(version);
    const SolanaTransaction tx = test::solana_transfer(version);
    const Blob raw = tx.bytes();
    TransactionTable table;
    ASSERT_TRUE(test::solana_codec().parse(raw, table));
    ASSERT_EQ(table.transactions.size(), 1U);
    const Transaction& parsed = table.transactions[0];
    EXPECT_EQ(parsed.chain, ChainId::solana);
    EXPECT_EQ(parsed.version, version);
    EXPECT_EQ(parsed.raw.data(), raw.data());
    EXPECT_EQ(parsed.raw.size(), raw.size());
    EXPECT_TRUE(std::ranges::equal(parsed.message, tx.message()));
    EXPECT_TRUE(std::ranges::equal(parsed.fee_payer, tx.signers[0].address));
    EXPECT_TRUE(std::ranges::equal(parsed.recent_blockhash, tx.blockhash));

    const auto signatures = table.signatures_of(parsed);
    ASSERT_EQ(signatures.size(), 1U);
    EXPECT_TRUE(std::ranges::equal(signatures[0].public_key, tx.signers[0].address));
    EXPECT_EQ(parsed.txid.data(), signatures[0].signature.data());
    EXPECT_EQ(parsed.txid.size(), 64U);
    EXPECT_EQ(parsed.txid.data(), raw.data() + (version == 1 ? raw.size() - 64 : 1));

    const auto accounts = table.accounts_of(parsed);
    ASSERT_EQ(accounts.size(), 3U);
    EXPECT_EQ(accounts[0].roles, kSigner | kWritable | kFeePayer);
    EXPECT_EQ(accounts[1].roles, kWritable);
    EXPECT_EQ(accounts[2].roles, kProgram);
    EXPECT_TRUE(std::ranges::equal(accounts[1].address, tx.others[0]));

    const auto instructions = table.instructions_of(parsed);
    ASSERT_EQ(instructions.size(), 1U);
    EXPECT_EQ(instructions[0].program, 2);
    EXPECT_TRUE(std::ranges::equal(instructions[0].accounts, tx.instructions[0].accounts));
    EXPECT_TRUE(std::ranges::equal(instructions[0].data, tx.instructions[0].data));
    EXPECT_TRUE(table.lookups_of(parsed).empty());
    EXPECT_TRUE(verifies(table, parsed));
  }
}

TEST_F(SolanaParse, RolesFollowTheHeader) {
  for (const int version : kVersions) {
    SCOPED_TRACE(version);
    const Blob raw = test::solana_mixture(version).bytes();
    TransactionTable table;
    ASSERT_TRUE(test::solana_codec().parse(raw, table));
    std::vector<int> roles;
    for (const Account& account : table.accounts_of(table.transactions[0])) {
      roles.push_back(account.roles);
    }
    EXPECT_EQ(roles, (std::vector<int>{kSigner | kWritable | kFeePayer, kSigner | kWritable,
                                       kSigner, kWritable, kWritable, kProgram, kProgram}));
    EXPECT_TRUE(verifies(table, table.transactions[0]));
  }
}

TEST_F(SolanaParse, LookupsAreKeptAndTheirAccountsCanBeNamed) {
  const SolanaTransaction tx = test::solana_mixture(0);
  const Blob raw = tx.bytes();
  TransactionTable table;
  ASSERT_TRUE(test::solana_codec().parse(raw, table));
  const auto lookups = table.lookups_of(table.transactions[0]);
  ASSERT_EQ(lookups.size(), 2U);
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(lookups[i].table, tx.lookups[i].table));
    EXPECT_TRUE(std::ranges::equal(lookups[i].writable, tx.lookups[i].writable));
    EXPECT_TRUE(std::ranges::equal(lookups[i].readonly, tx.lookups[i].readonly));
  }
}

TEST_F(SolanaParse, TransactionsOfMainnetParseAndVerify) {
  for (const int number : {1, 2}) {
    SCOPED_TRACE(number);
    const Blob raw = mainnet(number);
    TransactionTable table;
    const auto parsed = test::solana_codec().parse(raw, table);
    ASSERT_TRUE(parsed) << parsed.error().detail;
    const Transaction& tx = table.transactions[0];
    EXPECT_EQ(tx.version, number == 1 ? Transaction::kLegacy : 0);
    EXPECT_TRUE(verifies(table, tx));
    EXPECT_EQ(test::rebuild_solana(table, tx), raw);
  }
}

TEST_F(SolanaParse, TransactionIdIsTheFirstSignatureInBase58) {
  TransactionTable table;
  const Blob raw = mainnet(2);
  ASSERT_TRUE(test::solana_codec().parse(raw, table));
  EXPECT_EQ(
      test::solana_codec().txid_text(table.transactions[0].txid),
      "4gxceixEGkug6Da4KgTjZ9EVjEyEDWSk5QzokfucQE4d767yyxjwgv46u5y3hntprtVMGWGz1cNzWeC6DtJhUcuz");
}

TEST_F(SolanaParse, CutAnywhereIsMalformed) {
  for (const Blob& raw : good_transactions()) {
    TransactionTable table;
    ASSERT_TRUE(parse_alone(raw, table));
    for (std::size_t length = 0; length < raw.size(); ++length) {
      const auto parsed = parse_alone(Bytes(raw).first(length), table);
      ASSERT_FALSE(parsed) << length;
      ASSERT_EQ(parsed.error().outcome, wire::Outcome::malformed) << length;
    }
  }
}

TEST_F(SolanaParse, AnyByteAfterTheEndIsMalformed) {
  for (Blob raw : good_transactions()) {
    TransactionTable table;
    for (unsigned byte = 0; byte < 256; ++byte) {
      raw.push_back(static_cast<std::uint8_t>(byte));
      const auto parsed = parse_alone(raw, table);
      ASSERT_FALSE(parsed) << byte;
      ASSERT_EQ(parsed.error().outcome, wire::Outcome::malformed);
      ASSERT_EQ(parsed.error().detail, "bytes after the end");
      raw.pop_back();
    }
  }
}

TEST_F(SolanaParse, AnyBitFlippedIsRejectedOrDoesNotVerify) {
  for (Blob raw : good_transactions()) {
    TransactionTable table;
    ASSERT_TRUE(test::solana_codec().parse(raw, table));
    ASSERT_TRUE(verifies(table, table.transactions[0]));
    for (std::size_t bit = 0; bit < raw.size() * 8; ++bit) {
      raw[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      table.clear();
      if (test::solana_codec().parse(raw, table)) {
        ASSERT_FALSE(verifies(table, table.transactions[0])) << "bit " << bit;
      }
      raw[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    }
  }
}

TEST_F(SolanaParse, WhatParsesIsWrittenAgainAsItWas) {
  SCOPED_TRACE(seed_);
  TransactionTable table;
  for (int round = 0; round < 3000; ++round) {
    const SolanaTransaction tx = random_transaction(random_);
    const Blob raw = tx.bytes();
    const bool fits = tx.version == 1 || raw.size() <= 1232;
    const auto parsed = test::solana_codec().parse(raw, table);
    ASSERT_EQ(parsed.has_value(), fits) << (parsed ? "" : parsed.error().detail);
    if (!fits) continue;
    ASSERT_EQ(test::rebuild_solana(table, table.transactions.back()), raw);
    if (round % 50 == 0) {
      ASSERT_TRUE(verifies(table, table.transactions.back()));
    }
    table.clear();
  }
}

// Damaged transactions reach further into the parser than noise does.
TEST_F(SolanaParse, DamageAndNoiseAreRejectedOrReadExactly) {
  SCOPED_TRACE(seed_);
  const auto good = good_transactions();
  TransactionTable table;
  std::size_t accepted = 0;
  for (int round = 0; round < 60'000; ++round) {
    Blob raw;
    if (round % 4 == 0) {
      raw.resize(random_() % 400);
      for (auto& byte : raw)
        byte = static_cast<std::uint8_t>(random_());
      if (!raw.empty() && round % 8 == 0) raw[0] = round % 16 == 0 ? 0x81 : 0x01;
    } else {
      raw = good[random_() % good.size()];
      for (std::size_t i = random_() % 3 + 1; i > 0; --i) {
        raw[random_() % raw.size()] = static_cast<std::uint8_t>(random_() >> (random_() % 8));
      }
      if (round % 4 == 1) raw.erase(raw.begin() + static_cast<int>(random_() % raw.size()));
    }
    if (parse_alone(raw, table)) ++accepted;
    ASSERT_TRUE(table.transactions.empty() && table.signatures.empty() && table.accounts.empty() &&
                table.instructions.empty() && table.lookups.empty());
  }
  EXPECT_GT(accepted, 1000U) << "the damage is too great to test anything";
}

TEST_F(SolanaParse, RejectionLeavesTheTableAsItWas) {
  TransactionTable table;
  const Blob before = test::solana_mixture(0).bytes();
  ASSERT_TRUE(test::solana_codec().parse(before, table));
  const Blob other = test::solana_mixture(1).bytes();
  for (const Blob& raw : good_transactions()) {
    for (std::size_t length = 0; length < raw.size(); ++length) {
      ASSERT_FALSE(test::solana_codec().parse(Bytes(raw).first(length), table));
      ASSERT_EQ(table.transactions.size(), 1U);
      ASSERT_EQ(table.signatures.size(), 3U);
      ASSERT_EQ(table.accounts.size(), 7U);
      ASSERT_EQ(table.instructions.size(), 3U);
      ASSERT_EQ(table.lookups.size(), 2U);
    }
  }
  ASSERT_TRUE(test::solana_codec().parse(other, table));
  EXPECT_EQ(test::rebuild_solana(table, table.transactions[0]), before);
  EXPECT_EQ(test::rebuild_solana(table, table.transactions[1]), other);
}

TEST_F(SolanaParse, TableThatIsUsedAgainDoesNotGrow) {
  const auto good = good_transactions();
  TransactionTable table;
  const auto parse_all = [&] {
    for (const Blob& raw : good)
      ASSERT_TRUE(test::solana_codec().parse(raw, table));
  };
  const auto columns = [&table] {
    return std::tuple(table.transactions.data(), table.signatures.data(), table.accounts.data(),
                      table.instructions.data(), table.lookups.data());
  };
  parse_all();
  const auto before = columns();
  for (int i = 0; i < 10; ++i) {
    table.clear();
    parse_all();
  }
  EXPECT_EQ(columns(), before);
}

TEST(Codec, KnowsSolanaAndNoOtherChain) {
  for (unsigned chain = 0; chain < 256; ++chain) {
    const Codec* codec = find_codec(static_cast<std::uint8_t>(chain));
    ASSERT_EQ(codec != nullptr, chain == 1) << chain;
  }
  EXPECT_EQ(test::solana_codec().id(), ChainId::solana);
  EXPECT_EQ(test::solana_codec().name(), "solana");
  EXPECT_EQ(test::solana_codec().signature_rule(), SignatureRule::ed25519_strict);
  EXPECT_EQ(test::solana_codec().max_transaction_bytes(), 4096U);
}

}  // namespace
}  // namespace txindex::chain
