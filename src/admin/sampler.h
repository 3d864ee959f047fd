// What changes from second to second: rates, utilisation, and the latencies of just now. Pure: the
// readings come from outside.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "admin/reading.h"

namespace txindex::admin {

// Percentiles of a timing, in microseconds; they mean nothing while `count` is 0.
struct Percentiles {
  std::uint64_t count = 0;
  std::uint64_t sum_us = 0;
  double p50_us = 0;
  double p90_us = 0;
  double p99_us = 0;
  double p999_us = 0;
};
Percentiles percentiles(const stats::TimingSnapshot& timing);

// What happened between two samples.
struct Recent {
  double seconds = 0;  // between them; 0: there are no two yet, and everything else is 0 too
  double received_per_second = 0;
  double committed_per_second = 0;
  double duplicate_per_second = 0;
  double rejected_per_second = 0;
  double bytes_per_second = 0;    // from producers
  double loop_utilisation = 0;    // 0 to 1: of the event loops' time
  double verify_utilisation = 0;  // 0 to 1: of the verify threads' time
  std::array<Percentiles, stats::kTimings.size()> timings;
};

// One point of the chart, over all workers.
struct Sample {
  double unix_seconds = 0;
  double committed_per_second = 0;
  double received_per_second = 0;
  std::optional<double> receive_to_ack_p50_us;  // nothing when nothing was acknowledged
  std::optional<double> receive_to_ack_p99_us;
};

class Sampler {
 public:
  static constexpr std::size_t kHistoryMax = 300;

  // Takes a reading, about once a second; times must grow.
  void add(Reading reading);

  const Recent& total() const { return total_; }
  // Of a worker's slot; all zero if it was not there at the last two samples.
  const Recent& worker(std::size_t slot) const;
  const Recent& admin() const { return admin_; }
  // The latest kHistoryMax samples, oldest first.
  const std::deque<Sample>& history() const { return history_; }

 private:
  std::optional<Reading> last_;
  Recent total_;
  Recent admin_;
  std::vector<Recent> workers_;
  std::deque<Sample> history_;
};

}  // namespace txindex::admin
