// Where a time stamp falls. Pure; the same arithmetic as txindex.ensure_partitions().
#pragma once

#include <cstdint>
#include <optional>

namespace txindex::store {

// All in microseconds since the Unix epoch.
struct PartitionRule {
  std::int64_t interval_us;
  std::int64_t window_us;  // of the duplicate rule: interval_us >= 2 * window_us

  // The first instant of the stamp's partition.
  std::int64_t partition_of(std::int64_t time_us) const {
    const std::int64_t into = time_us % interval_us;
    return time_us - (into < 0 ? into + interval_us : into);
  }

  // The boundary that the stamp is so close to that a stamp on the other side of it may be less
  // than the window away. Never two: the window is at most half of the interval.
  std::optional<std::int64_t> boundary_of(std::int64_t time_us) const {
    const std::int64_t first = partition_of(time_us);
    if (time_us - first < window_us) return first;
    if (first + interval_us - time_us <= window_us) return first + interval_us;
    return std::nullopt;
  }
};

}  // namespace txindex::store
