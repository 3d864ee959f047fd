// Why a Solana transaction is not accepted: one Rejection for each rule that can be checked from
// the bytes alone. They are the rules that Agave and Firedancer apply when they parse and sanitise,
// and one that the chain applies when it locks accounts: none is listed twice.
//
// Its limit on the number of locked accounts is not among them. It is a setting of the cluster (64
// on the main one in 2026, more on others before, and proposed to grow); a transaction must not be
// lost because it comes from another cluster or another year. The format itself allows 256.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "txindex/chain/codec.h"

namespace txindex::chain::solana {

inline constexpr std::size_t kAddressBytes = 32;
inline constexpr std::size_t kBlockhashBytes = 32;
inline constexpr std::size_t kSignatureBytes = 64;

// Set in the first byte of a versioned message, whose other seven bits are the version.
inline constexpr std::uint8_t kVersionBit = 0x80;
inline constexpr std::uint8_t kV0Byte = kVersionBit | 0;
inline constexpr std::uint8_t kV1Byte = kVersionBit | 1;

inline constexpr std::size_t kSignaturesMax = 12;
inline constexpr std::size_t kInstructionsMax = 64;
inline constexpr std::size_t kInstructionAccountsMax = 255;
// Static and looked up together: an account index is one byte.
inline constexpr std::size_t kAccountsMax = 256;
inline constexpr std::size_t kV1AddressesMax = 64;
// Version 1's configuration: which of its values are there, by bit.
inline constexpr std::uint32_t kConfigPriorityFee = 0b00011;  // one value, two bits, two words
inline constexpr std::uint32_t kConfigHeap = 0b10000;
inline constexpr std::uint32_t kConfigKnown = 0b11111;
inline constexpr std::uint32_t kHeapMinBytes = 32 * 1024;
inline constexpr std::uint32_t kHeapMaxBytes = 256 * 1024;
inline constexpr std::uint32_t kHeapStepBytes = 1024;

// nullptr: nothing wrong so far.
using Verdict = const Rejection*;

// name, outcome, detail.
// clang-format off
#define TXINDEX_SOLANA_RULES(X) \
  X(kOverPacketSize, too_large, "over 1232 bytes") \
  X(kOverV1Size, too_large, "over 4096 bytes") \
  X(kUnknownTransactionVersion, unsupported, "unknown transaction version") \
  X(kUnknownMessageVersion, unsupported, "unknown message version") \
  X(kEmpty, malformed, "empty") \
  X(kVersionBeforeSignatures, malformed, "version 0 where the signatures are counted") \
  X(kEndsEarly, malformed, "ends early") \
  X(kTrailingBytes, malformed, "bytes after the end") \
  X(kCompactNotMinimal, malformed, "compact-u16 longer than it needs to be") \
  X(kCompactContinues, malformed, "compact-u16 of more than three bytes") \
  X(kCompactOverflow, malformed, "compact-u16 over 65535") \
  X(kNoSignatures, malformed, "no signatures") \
  X(kTooManySignatures, malformed, "more than 12 signatures") \
  X(kSignatureCount, malformed, "not as many signatures as the header requires") \
  X(kSignersOverAccounts, malformed, "more signers than accounts") \
  X(kReadonlyOverAccounts, malformed, "signers and read-only accounts overlap") \
  X(kFeePayerReadonly, malformed, "fee payer is not writable") \
  X(kDuplicateAccount, malformed, "account listed twice") \
  X(kTooManyAccounts, malformed, "more than 256 accounts") \
  X(kTooManyAddresses, malformed, "more than 64 addresses") \
  X(kTooManyInstructions, malformed, "more than 64 instructions") \
  X(kProgramIsFeePayer, malformed, "program is the fee payer") \
  X(kProgramNotStatic, malformed, "program is not a static account") \
  X(kTooManyInstructionAccounts, malformed, "instruction with more than 255 accounts") \
  X(kAccountIndex, malformed, "instruction account that does not exist") \
  X(kEmptyLookup, malformed, "address table lookup that loads nothing") \
  X(kConfigUnknownBits, malformed, "unknown configuration bits") \
  X(kConfigHalfFee, malformed, "one of the two priority fee bits without the other") \
  X(kHeapStep, malformed, "heap size is not a multiple of 1024") \
  X(kHeapRange, malformed, "heap size is not within 32 to 256 KiB")
// clang-format on

#define X(name, outcome, detail) inline constexpr Rejection name{wire::Outcome::outcome, detail};
TXINDEX_SOLANA_RULES(X)
#undef X

inline constexpr std::array kRules = {
#define X(name, outcome, detail) &(name),
    TXINDEX_SOLANA_RULES(X)
#undef X
};

}  // namespace txindex::chain::solana
