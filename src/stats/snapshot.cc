#include "stats/snapshot.h"

#include <algorithm>
#include <numeric>

#include "stats/block.h"

namespace txindex::stats {

std::uint64_t TimingSnapshot::count() const {
  return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

double TimingSnapshot::quantile_us(double q) const {
  const auto total = count();
  if (total == 0) return 0;
  const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(total);
  double below = 0;
  std::size_t last = 0;  // the last bucket with a value
  for (std::size_t b = 0; b < buckets.size(); ++b) {
    if (buckets[b] == 0) continue;
    last = b;
    const auto here = static_cast<double>(buckets[b]);
    if (below + here >= rank) {
      const auto low = static_cast<double>(bucket_floor(b));
      if (b + 1 == buckets.size()) return low;
      const auto high = static_cast<double>(bucket_floor(b + 1));
      return low + (high - low) * std::max(0.0, rank - below) / here;
    }
    below += here;
  }
  return static_cast<double>(bucket_floor(last));  // rounding kept `rank` out of reach
}

Snapshot& Snapshot::operator+=(const Snapshot& other) {
  const auto add_to = [](auto& to, const auto& from) {
    std::transform(to.begin(), to.end(), from.begin(), to.begin(), std::plus<>());
  };
  add_to(words, other.words);
  for (std::size_t t = 0; t < timings.size(); ++t) {
    timings[t].sum_us += other.timings[t].sum_us;
    add_to(timings[t].buckets, other.timings[t].buckets);
  }
  return *this;
}

Snapshot take_snapshot(const Block& block) {
  Snapshot copy;
  const auto* word = block.words.data();
  const auto next = [&word] { return (word++)->load(std::memory_order_relaxed); };
  for (auto& w : copy.words)
    w = next();
  for (auto& timing : copy.timings) {
    timing.sum_us = next();
    for (auto& bucket : timing.buckets)
      bucket = next();
  }
  return copy;
}

Snapshot take_snapshot(const Segment& segment, std::size_t slot) {
  Snapshot sum;
  for (std::size_t side = 0; side < kSides; ++side)
    sum += take_snapshot(segment.block(slot, side));
  return sum;
}

}  // namespace txindex::stats
