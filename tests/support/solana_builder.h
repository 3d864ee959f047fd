// Makes Solana transactions from a description, in all three wire formats. It writes whatever it is
// told to, so that a test can break one rule and leave the others whole.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "txindex/bytes.h"
#include "txindex/chain/codec.h"

namespace txindex::test {

// What reads them.
const chain::Codec& solana_codec();

using Blob = std::vector<std::uint8_t>;
using SolanaAddress = std::array<std::uint8_t, 32>;

struct SolanaKey {
  SolanaAddress address;
  std::array<std::uint8_t, 64> secret;
};

// The same key and address for the same number. Keys can sign; addresses are nobody's.
SolanaKey solana_key(std::uint64_t number);
SolanaAddress solana_address(std::uint64_t number);

// 1 to 3 bytes of 7 bits.
Blob compact_u16(std::size_t value);

struct SolanaInstruction {
  std::uint8_t program = 0;
  Blob accounts = {};
  Blob data = {};
  // Written instead of the true counts (legacy and version 0).
  std::optional<Blob> account_count = {};
  std::optional<Blob> data_count = {};
};

struct SolanaLookup {
  SolanaAddress table{};
  Blob writable = {};
  Blob readonly = {};
};

// Version 1 only.
struct SolanaConfig {
  std::optional<std::uint64_t> priority_fee = {};
  std::optional<std::uint32_t> compute_unit_limit = {};
  std::optional<std::uint32_t> loaded_accounts_data_limit = {};
  std::optional<std::uint32_t> heap_bytes = {};
  std::optional<std::uint32_t> mask = {};  // written instead of the true one
};

struct SolanaTransaction {
  static constexpr int kLegacy = -1;

  int version = kLegacy;  // kLegacy, 0 or 1
  std::vector<SolanaKey> signers;
  std::uint8_t readonly_signed = 0;
  std::vector<SolanaAddress> others;  // accounts that do not sign, the read-only ones last
  std::uint8_t readonly_unsigned = 0;
  SolanaAddress blockhash{};
  std::vector<SolanaInstruction> instructions;
  std::vector<SolanaLookup> lookups;
  SolanaConfig config;

  // Written instead of what follows from the above.
  std::optional<std::uint8_t> version_byte = {};
  std::optional<std::uint8_t> required_signatures = {};
  std::optional<std::vector<SolanaAddress>> accounts = {};
  std::optional<Blob> signature_count = {};  // legacy and version 0
  std::optional<Blob> account_count = {};
  std::optional<Blob> instruction_count = {};
  std::optional<Blob> lookup_count = {};
  Blob after_the_end = {};

  // What the signatures cover.
  Blob message() const;
  // The whole transaction, each signer's signature over message().
  Blob bytes() const;
};

// A transfer of lamports as wallets make it: payer, recipient, the system program, one instruction.
// Different for each number.
SolanaTransaction solana_transfer(int version, std::uint64_t number = 1);

// Something of everything that the version has: several signers of both kinds, accounts of both
// kinds, instructions, lookups or configuration.
SolanaTransaction solana_mixture(int version, std::uint64_t number = 1);

}  // namespace txindex::test
