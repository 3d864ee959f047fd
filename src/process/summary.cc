#include "process/summary.h"

#include <array>
#include <utility>

#include "stats/snapshot.h"

namespace txindex::process {

std::string summary(const stats::Segment& segment, int slots) {
  using stats::Word;
  static constexpr std::array kRejections = {
      std::pair{Word::outcome_malformed, "malformed"},
      std::pair{Word::outcome_bad_signature, "bad signature"},
      std::pair{Word::outcome_unsupported, "unsupported"},
      std::pair{Word::outcome_too_large, "too large"},
      std::pair{Word::outcome_refused_by_database, "refused by the database"},
      std::pair{Word::outcome_time_out_of_range, "time out of range"},
  };
  stats::Snapshot total;
  for (int slot = 0; slot < slots; ++slot) {
    total += stats::take_snapshot(segment, static_cast<std::size_t>(slot));
  }
  std::uint64_t rejected = 0;
  std::string reasons;
  for (const auto& [word, reason] : kRejections) {
    if (total[word] == 0) continue;
    rejected += total[word];
    reasons +=
        (reasons.empty() ? "" : ", ") + std::string(reason) + " " + std::to_string(total[word]);
  }
  return "received " + std::to_string(total[Word::received]) + ", committed " +
         std::to_string(total[Word::outcome_committed]) + ", duplicate " +
         std::to_string(total[Word::outcome_duplicate]) + ", rejected " + std::to_string(rejected) +
         (reasons.empty() ? "" : " (" + reasons + ")") + "; " +
         std::to_string(total[Word::restarts]) + " restarts";
}

}  // namespace txindex::process
