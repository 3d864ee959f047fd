// How much is stored beside the transactions themselves.
#pragma once

#include <cstdint>

namespace txindex {

// Each level includes the one before.
enum class IndexLevel : std::uint8_t { transactions, accounts, instructions };

}  // namespace txindex
