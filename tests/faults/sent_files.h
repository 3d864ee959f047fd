// .txs files as the fault suite has them sent. Both functions throw if there is no such file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "faults/sent_table.h"

namespace txindex::test {

inline constexpr std::uint64_t kOneInBad = 2;

// Writes the transactions of `from` to `to`, each with its slot_of() and without a time; one in
// kOneInBad is changed so that its signatures do not verify. Returns which.
std::vector<SentTable::Key> break_signatures(const std::string& from, const std::string& to);

// Writes them to be sent again and again: every other one without a time, the rest with two, on
// different sides of the boundary of minutes that is nearest to `now_us` and less than 30 s apart.
void stamp_variously(const std::string& from, const std::string& to, std::int64_t now_us);

}  // namespace txindex::test
