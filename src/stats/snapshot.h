// A copy of a block of the shared statistics, to compute with.
#pragma once

#include <array>
#include <cstdint>

#include "txindex/stats_layout.h"

#include "stats/segment.h"

namespace txindex::stats {

struct TimingSnapshot {
  std::uint64_t sum_us = 0;
  std::array<std::uint64_t, kHistogramBuckets> buckets{};

  std::uint64_t count() const;
  // The duration, in microseconds, that a share `q` (0 to 1) of the values stays below; within a
  // bucket the values are taken as evenly spread. 0 without values. Values in the last, open bucket
  // count as its floor.
  double quantile_us(double q) const;
};

struct Snapshot {
  std::array<std::uint64_t, kWords.size()> words{};
  std::array<TimingSnapshot, kTimings.size()> timings{};

  std::uint64_t operator[](Word w) const { return words[static_cast<std::size_t>(w)]; }
  const TimingSnapshot& operator[](Timing t) const { return timings[static_cast<std::size_t>(t)]; }

  // Adds every word, for a total over processes; those that are no quantity (pid, state, ...) mean
  // nothing in the sum.
  Snapshot& operator+=(const Snapshot& other);
};

// Any thread, any process. Each word is read whole; all of them not at one instant.
Snapshot take_snapshot(const Block& block);

// What a slot has counted and what its processes hold: the sum of its two sides. Those words that
// are no quantity mean nothing in it; look at the sides for them.
Snapshot take_snapshot(const Segment& segment, std::size_t slot);

}  // namespace txindex::stats
