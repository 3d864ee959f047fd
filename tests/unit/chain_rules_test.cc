// Every rule is broken by a transaction that is whole in all other respects.
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "txindex/chain/codec.h"

#include "chain/solana/rules.h"
#include "support/solana_builder.h"
#include "verify/backend.h"
#include "verify/signature.h"

namespace txindex::chain {
namespace {

using test::Blob;
using test::SolanaTransaction;
constexpr int kLegacy = SolanaTransaction::kLegacy;

struct Broken {
  const char* name;
  int version;
  wire::Outcome outcome;
  std::string_view detail;
  std::function<void(SolanaTransaction&)> breaks;
};

// A legacy or version 0 transaction of exactly so many bytes, a version 1 likewise.
void stretch(SolanaTransaction& tx, std::size_t bytes) {
  tx.instructions[0].data.resize(200);  // a length of two bytes, as it will be
  const std::size_t now = tx.bytes().size();
  tx.instructions[0].data.resize(200 + bytes - now);
  ASSERT_EQ(tx.bytes().size(), bytes);
}

void sign_by(SolanaTransaction& tx, std::size_t count) {
  for (std::size_t i = tx.signers.size(); i < count; ++i) {
    tx.signers.push_back(test::solana_key(500 + i));
  }
}

void list(SolanaTransaction& tx, std::size_t accounts) {
  while (tx.signers.size() + tx.others.size() < accounts) {
    tx.others.insert(tx.others.begin(), test::solana_address(7000 + tx.others.size()));
  }
  tx.instructions[0].program = 1;
}

std::vector<Broken> broken_transactions() {
  using wire::Outcome;
  using T = SolanaTransaction;
  const auto malformed = Outcome::malformed;
  std::vector<Broken> all = {
      {"PacketSize", 0, Outcome::too_large, "over 1232 bytes", [](T& t) { stretch(t, 1233); }},
      {"PacketSize", kLegacy, Outcome::too_large, "over 1232 bytes",
       [](T& t) { stretch(t, 1233); }},
      {"V1Size", 1, Outcome::too_large, "over 4096 bytes", [](T& t) { stretch(t, 4097); }},
      {"TransactionVersion2", 1, Outcome::unsupported, "unknown transaction version",
       [](T& t) { t.version_byte = 0x82; }},
      {"TransactionVersion127", 1, Outcome::unsupported, "unknown transaction version",
       [](T& t) { t.version_byte = 0xff; }},
      {"TransactionVersion0", 1, malformed, "version 0 where the signatures are counted",
       [](T& t) { t.version_byte = 0x80; }},
      {"MessageVersion1", 0, Outcome::unsupported, "unknown message version",
       [](T& t) { t.version_byte = 0x81; }},
      {"MessageVersion127", 0, Outcome::unsupported, "unknown message version",
       [](T& t) { t.version_byte = 0xff; }},
      {"SignatureCount0", 0, malformed, "no signatures",
       [](T& t) {
         t.signers.clear();
         t.accounts = {{test::solana_address(1), test::solana_address(2), {}}};
       }},
      {"RequiredSignatures0", 1, malformed, "no signatures",
       [](T& t) { t.required_signatures = 0; }},
      {"ThirteenSignatures", 0, malformed, "more than 12 signatures",
       [](T& t) {
         t.signature_count = Blob{13};
         t.required_signatures = 13;
       }},
      {"ThirteenSignatures", 1, malformed, "more than 12 signatures", [](T& t) { sign_by(t, 13); }},
      {"MoreSignaturesThanRequired", 0, malformed, "not as many signatures as the header requires",
       [](T& t) {
         sign_by(t, 2);
         t.required_signatures = 1;
       }},
      {"FewerSignaturesThanRequired", kLegacy, malformed,
       "not as many signatures as the header requires", [](T& t) { t.required_signatures = 2; }},
      {"MoreSignersThanAccounts", 0, malformed, "more signers than accounts",
       [](T& t) {
         sign_by(t, 2);
         t.accounts = {{t.signers[0].address}};
         t.instructions.clear();
       }},
      {"MoreSignersThanAccounts", 1, malformed, "more signers than accounts",
       [](T& t) {
         sign_by(t, 2);
         t.accounts = {{t.signers[0].address}};
         t.instructions.clear();
       }},
      {"ReadonlyUnsignedOverlap", 0, malformed, "signers and read-only accounts overlap",
       [](T& t) { t.readonly_unsigned = 3; }},
      {"ReadonlyUnsignedOverlap", 1, malformed, "signers and read-only accounts overlap",
       [](T& t) { t.readonly_unsigned = 255; }},
      {"FeePayerReadonly", kLegacy, malformed, "fee payer is not writable",
       [](T& t) { t.readonly_signed = 1; }},
      {"FeePayerReadonly", 1, malformed, "fee payer is not writable",
       [](T& t) { t.readonly_signed = 2; }},
      {"DuplicateAccount", 0, malformed, "account listed twice",
       [](T& t) { t.others[0] = t.signers[0].address; }},
      {"DuplicateAccountLast", 1, malformed, "account listed twice",
       [](T& t) { t.others[0] = t.others[1]; }},
      {"SixtyFiveAddresses", 1, malformed, "more than 64 addresses", [](T& t) { list(t, 65); }},
      {"TwoHundredFiftySevenAccounts", 0, malformed, "more than 256 accounts",
       [](T& t) {
         t.lookups = {{test::solana_address(9), Blob(200, 1), Blob(54, 2)}};
       }},
      {"SixtyFiveInstructions", 0, malformed, "more than 64 instructions",
       [](T& t) { t.instructions.assign(65, {.program = 2, .accounts = {}, .data = {}}); }},
      {"SixtyFiveInstructions", 1, malformed, "more than 64 instructions",
       [](T& t) { t.instructions.assign(65, {.program = 2, .accounts = {}, .data = {}}); }},
      {"ProgramIsFeePayer", kLegacy, malformed, "program is the fee payer",
       [](T& t) { t.instructions[0].program = 0; }},
      {"ProgramIsFeePayer", 1, malformed, "program is the fee payer",
       [](T& t) { t.instructions[0].program = 0; }},
      {"ProgramOutOfRange", kLegacy, malformed, "program is not a static account",
       [](T& t) { t.instructions[0].program = 3; }},
      {"ProgramLookedUp", 0, malformed, "program is not a static account",
       [](T& t) {
         t.lookups = {{test::solana_address(9), {0}, {1}}};
         t.instructions[0].program = 3;
       }},
      {"ProgramOutOfRange", 1, malformed, "program is not a static account",
       [](T& t) { t.instructions[0].program = 255; }},
      {"InstructionOf256Accounts", 0, malformed, "instruction with more than 255 accounts",
       [](T& t) { t.instructions[0].accounts.assign(256, 0); }},
      {"AccountIndexOutOfRange", kLegacy, malformed, "instruction account that does not exist",
       [](T& t) {
         t.instructions[0].accounts = {0, 3};
       }},
      {"AccountIndexOutOfRange", 1, malformed, "instruction account that does not exist",
       [](T& t) {
         t.instructions[0].accounts = {255, 0};
       }},
      {"AccountIndexPastTheLookedUp", 0, malformed, "instruction account that does not exist",
       [](T& t) {
         t.lookups = {{test::solana_address(9), {0}, {1}}};
         t.instructions[0].accounts = {5};
       }},
      {"EmptyLookup", 0, malformed, "address table lookup that loads nothing",
       [](T& t) {
         t.lookups = {{test::solana_address(9), {0}, {}}, {test::solana_address(8), {}, {}}};
       }},
      {"TrailingByte", kLegacy, malformed, "bytes after the end",
       [](T& t) { t.after_the_end = {0}; }},
      {"OneSignatureTooMany", 1, malformed, "bytes after the end",
       [](T& t) { t.after_the_end = Blob(64, 1); }},
      {"OneSignatureTooFew", 1, malformed, "ends early",
       [](T& t) {
         sign_by(t, 2);
         t.accounts = {{t.signers[0].address, t.signers[1].address, {}}};
         t.signers.pop_back();
         t.required_signatures = 2;
       }},
      {"MoreInstructionsThanThere", kLegacy, malformed, "ends early",
       [](T& t) { t.instruction_count = Blob{2}; }},
      {"NoLookupCount", 0, malformed, "ends early", [](T& t) { t.lookup_count = Blob{}; }},
      {"MoreLookupsThanThere", 0, malformed, "ends early", [](T& t) { t.lookup_count = Blob{1}; }},
      {"HalfFeeLow", 1, malformed, "one of the two priority fee bits without the other",
       [](T& t) { t.config.mask = 1; }},
      {"HalfFeeHigh", 1, malformed, "one of the two priority fee bits without the other",
       [](T& t) { t.config.mask = 2; }},
      {"ConfigBit5", 1, malformed, "unknown configuration bits",
       [](T& t) { t.config.mask = 1U << 5; }},
      {"ConfigBit31", 1, malformed, "unknown configuration bits",
       [](T& t) { t.config.mask = 1U << 31; }},
      {"HeapNotAMultiple", 1, malformed, "heap size is not a multiple of 1024",
       [](T& t) { t.config.heap_bytes = 33 * 1024 + 1; }},
      {"HeapTooSmall", 1, malformed, "heap size is not within 32 to 256 KiB",
       [](T& t) { t.config.heap_bytes = 31 * 1024; }},
      {"HeapZero", 1, malformed, "heap size is not within 32 to 256 KiB",
       [](T& t) { t.config.heap_bytes = 0; }},
      {"HeapTooLarge", 1, malformed, "heap size is not within 32 to 256 KiB",
       [](T& t) { t.config.heap_bytes = 257 * 1024; }},
  };
  // Wherever a count is a compact-u16, it must be a good one.
  const std::pair<Blob, std::string_view> bad_counts[] = {
      {{0x81, 0x00}, "compact-u16 longer than it needs to be"},
      {{0x80, 0x80, 0x00}, "compact-u16 longer than it needs to be"},
      {{0x81, 0x80, 0x00}, "compact-u16 longer than it needs to be"},
      {{0xff, 0xff, 0x80}, "compact-u16 of more than three bytes"},
      {{0x81, 0x80, 0x81}, "compact-u16 of more than three bytes"},
      {{0xff, 0xff, 0xff}, "compact-u16 of more than three bytes"},
      {{0x80, 0x80, 0x04}, "compact-u16 over 65535"},
      {{0xff, 0xff, 0x7f}, "compact-u16 over 65535"},
  };
  for (const auto& [count, detail] : bad_counts) {
    const Blob bytes = count;
    all.push_back(
        {"Addresses", kLegacy, malformed, detail, [bytes](T& t) { t.account_count = bytes; }});
    all.push_back(
        {"Instructions", 0, malformed, detail, [bytes](T& t) { t.instruction_count = bytes; }});
    all.push_back({"InstructionAccounts", kLegacy, malformed, detail,
                   [bytes](T& t) { t.instructions[0].account_count = bytes; }});
    all.push_back({"InstructionData", 0, malformed, detail,
                   [bytes](T& t) { t.instructions[0].data_count = bytes; }});
    all.push_back({"Lookups", 0, malformed, detail, [bytes](T& t) { t.lookup_count = bytes; }});
  }
  return all;
}

class SolanaRule : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(verify::start(VerifyBackend::automatic)); }
};

TEST_F(SolanaRule, BrokenAloneIsTheReasonGiven) {
  for (const Broken& broken : broken_transactions()) {
    SCOPED_TRACE(std::string(broken.name) + ", version " + std::to_string(broken.version));
    SolanaTransaction tx = test::solana_transfer(broken.version);
    TransactionTable table;
    ASSERT_TRUE(test::solana_codec().parse(tx.bytes(), table))
        << "must be whole before it is broken";
    broken.breaks(tx);
    const auto parsed = test::solana_codec().parse(tx.bytes(), table);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().outcome, broken.outcome);
    EXPECT_EQ(parsed.error().detail, broken.detail);
  }
}

TEST_F(SolanaRule, EveryOneHasAReasonOfItsOwnAndATest) {
  std::set<std::string_view> reasons = {"empty"};  // tested below
  for (const Broken& broken : broken_transactions())
    reasons.insert(broken.detail);
  std::set<std::string_view> rules;
  for (const Rejection* rule : solana::kRules)
    rules.insert(rule->detail);
  EXPECT_EQ(rules.size(), solana::kRules.size());
  EXPECT_EQ(reasons, rules);
}

TEST_F(SolanaRule, NoBytesAreNoTransaction) {
  TransactionTable table;
  const auto parsed = test::solana_codec().parse({}, table);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().outcome, wire::Outcome::malformed);
  EXPECT_EQ(parsed.error().detail, "empty");
}

// What lies just within a limit is accepted, so that the limit is where it should be.
struct Limit {
  const char* name;
  int version;
  std::function<void(SolanaTransaction&)> reaches;
};

TEST_F(SolanaRule, WhatReachesALimitIsAccepted) {
  using T = SolanaTransaction;
  const Limit limits[] = {
      {"PacketSize", kLegacy, [](T& t) { stretch(t, 1232); }},
      {"PacketSize", 0, [](T& t) { stretch(t, 1232); }},
      {"V1Size", 1, [](T& t) { stretch(t, 4096); }},
      {"TwelveSignatures", kLegacy,
       [](T& t) {
         sign_by(t, 12);
         t.others.clear();
         t.readonly_unsigned = 0;
         t.readonly_signed = 11;
         t.instructions.clear();
       }},
      {"TwelveSignatures", 1,
       [](T& t) {
         sign_by(t, 12);
         t.instructions[0].program = 13;
       }},
      {"OneAccount", kLegacy,
       [](T& t) {
         t.others.clear();
         t.readonly_unsigned = 0;
         t.instructions.clear();
       }},
      {"AllOthersReadonly", 0, [](T& t) { t.readonly_unsigned = 2; }},
      {"SixtyFourAddresses", 1, [](T& t) { list(t, 64); }},
      {"TwoHundredFiftySixAccounts", 0,
       [](T& t) {
         t.lookups = {{test::solana_address(9), Blob(200, 1), Blob(53, 2)}};
         t.instructions[0].accounts = {255};
       }},
      {"SixtyFourInstructions", kLegacy,
       [](T& t) { t.instructions.assign(64, {.program = 2, .accounts = {}, .data = {}}); }},
      {"SixtyFourInstructions", 1,
       [](T& t) { t.instructions.assign(64, {.program = 2, .accounts = {}, .data = {}}); }},
      {"InstructionOf255Accounts", 0, [](T& t) { t.instructions[0].accounts.assign(255, 0); }},
      {"InstructionOf255Accounts", 1, [](T& t) { t.instructions[0].accounts.assign(255, 0); }},
      {"HeapLeast", 1, [](T& t) { t.config.heap_bytes = 32 * 1024; }},
      {"HeapMost", 1, [](T& t) { t.config.heap_bytes = 256 * 1024; }},
      {"GreatestValues", 1,
       [](T& t) {
         t.config.priority_fee = ~0ULL;
         t.config.compute_unit_limit = ~0U;
         t.config.loaded_accounts_data_limit = ~0U;
       }},
      {"FeeOnly", 1, [](T& t) { t.config.priority_fee = 1; }},
      {"LimitOnly", 1, [](T& t) { t.config.loaded_accounts_data_limit = 1; }},
      {"ThirtyFiveAccounts", kLegacy,
       [](T& t) {
         list(t, 34);
         t.instructions[0].data.clear();
       }},
  };
  for (const Limit& limit : limits) {
    SCOPED_TRACE(std::string(limit.name) + ", version " + std::to_string(limit.version));
    SolanaTransaction tx = test::solana_transfer(limit.version);
    limit.reaches(tx);
    TransactionTable table;
    const Blob raw = tx.bytes();
    const auto parsed = test::solana_codec().parse(raw, table);
    ASSERT_TRUE(parsed) << parsed.error().detail;
    EXPECT_TRUE(verify::all_valid(test::solana_codec().signature_rule(),
                                  table.transactions[0].message,
                                  table.signatures_of(table.transactions[0])));
  }
}

// All that three bytes can say, each followed by more than enough.
TEST_F(SolanaRule, CompactU16IsReadAsItsEncoderWritesItAndNoOtherWay) {
  const SolanaTransaction whole = test::solana_transfer(kLegacy);
  const std::size_t data_bytes = whole.instructions[0].data.size();
  TransactionTable table;
  std::size_t accepted = 0;
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; b += a < 0x80 ? 256 : 1) {
      SolanaTransaction tx = whole;
      Blob count = {static_cast<std::uint8_t>(a)};
      if (a >= 0x80) count.push_back(static_cast<std::uint8_t>(b));
      tx.instructions[0].data_count = count;
      const bool right = count == test::compact_u16(data_bytes);
      table.clear();
      EXPECT_EQ(test::solana_codec().parse(tx.bytes(), table).has_value(), right) << a << ' ' << b;
      accepted += right ? 1 : 0;
    }
  }
  EXPECT_EQ(accepted, 1U);
  // The lengths on both sides of one byte's limit.
  for (const std::size_t length : {0U, 1U, 127U, 128U, 129U, 255U, 256U, 1000U}) {
    SolanaTransaction tx = whole;
    tx.instructions[0].data.assign(length, 9);
    table.clear();
    const Blob raw = tx.bytes();
    ASSERT_TRUE(test::solana_codec().parse(raw, table)) << length;
    EXPECT_EQ(table.instructions[0].data.size(), length);
  }
}

TEST_F(SolanaRule, DuplicateIsFoundWhereverTheTwoStand) {
  SolanaTransaction tx = test::solana_transfer(1);
  list(tx, 64);
  TransactionTable table;
  for (std::size_t i = 0; i < tx.others.size(); ++i) {
    for (std::size_t k = 0; k < i; k += i % 7 + 1) {
      SolanaTransaction broken = tx;
      broken.others[i] = broken.others[k];
      const auto parsed = test::solana_codec().parse(broken.bytes(), table);
      ASSERT_FALSE(parsed) << i << ' ' << k;
      ASSERT_EQ(parsed.error().detail, "account listed twice");
    }
  }
  // Addresses that differ in their last byte only are not the same.
  for (std::size_t i = 0; i < tx.others.size(); ++i) {
    tx.others[i] = test::solana_address(1);
    tx.others[i][31] = static_cast<std::uint8_t>(i);
  }
  const auto parsed = test::solana_codec().parse(tx.bytes(), table);
  EXPECT_TRUE(parsed) << parsed.error().detail;
}

}  // namespace
}  // namespace txindex::chain
