// What is counted of each producer's token, in memory that all workers share and write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "txindex/stats_layout.h"

namespace txindex::stats {

// The entry of a name of 1 to kTokenNameMaxBytes bytes, claimed if it has none yet; any process and
// thread. Null: the table is full of other names.
TokenEntry* find_token(TokenTable& table, std::string_view name);

struct TokenSnapshot {
  std::string name;
  std::uint64_t connections = 0;
  std::uint64_t received = 0;
  std::uint64_t rejected = 0;
  std::uint64_t slowed = 0;
};

// Of all names that there have been, in the order in which they came.
std::vector<TokenSnapshot> take_snapshot(const TokenTable& table);

}  // namespace txindex::stats
