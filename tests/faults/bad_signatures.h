// Transactions that are well formed, and not signed by whom they say.
#pragma once

#include <cstdint>
#include <string>

namespace txindex::test {

inline constexpr std::uint64_t kOneInBad = 10;

// Changes one in kOneInBad transactions of a .txs file, so that its signatures do not verify.
// Returns how many. Throws if the file is none.
std::uint64_t break_signatures(const std::string& file);

}  // namespace txindex::test
