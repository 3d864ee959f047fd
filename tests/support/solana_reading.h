// A second reading of Solana transactions, beside the codec: written from the description of the
// formats, without regard to speed, and sharing nothing with it. For tests that compare the two.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "txindex/bytes.h"

namespace txindex::test {

// Views into the transaction.
struct SolanaReading {
  int version = -1;  // -1: legacy
  Bytes message;
  Bytes blockhash;
  std::vector<Bytes> signatures;
  std::vector<Bytes> addresses;  // static
  // Of each address: 1 signer, 2 writable, 4 an instruction calls it, 8 pays the fee.
  std::vector<unsigned> roles;
  std::size_t instructions = 0;
  std::size_t lookups = 0;
};

// nullopt: it breaks a rule.
std::optional<SolanaReading> read_solana(Bytes raw);

}  // namespace txindex::test
