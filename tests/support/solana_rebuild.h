// Writes a parsed Solana transaction out again from its views: what was understood, and not a copy
// of what came. It shares nothing with the codec.
#pragma once

#include <cstdint>
#include <vector>

#include "txindex/chain/transaction.h"

namespace txindex::test {

// Reports a test failure for any view that lies outside the transaction's own bytes. The header is
// taken from the roles; only the configuration of version 1, which has no view, is copied.
std::vector<std::uint8_t> rebuild_solana(const chain::TransactionTable& table,
                                         const chain::Transaction& tx);

}  // namespace txindex::test
