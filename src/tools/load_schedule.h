// When each transaction of an open-loop load is to be sent: at a rate, whatever the server does. A
// transaction that cannot be sent at its time keeps that time, and its latency counts from there;
// so a server that stalls is charged with everything that should have come meanwhile.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

namespace txindex::tools {

// Part `part` of `parts` of one schedule: every `parts`-th transaction. Times are microseconds
// since the start of the load. Pure; any thread.
class LoadSchedule {
 public:
  // `per_second` is that of all parts together, over 0. Nothing is due from `end_us` on.
  LoadSchedule(double per_second, unsigned part, unsigned parts, std::optional<std::int64_t> end_us)
      : us_between_(1e6 * parts / per_second),
        first_us_(1e6 * part / per_second),
        end_us_(end_us.value_or(std::numeric_limits<std::int64_t>::max())) {}

  // Of transaction n, from 0.
  std::int64_t time_us(std::uint64_t n) const {
    return std::llround(first_us_ + us_between_ * static_cast<double>(n));
  }

  // How many have come to their time at `now_us`.
  std::uint64_t due(std::int64_t now_us) const {
    const std::int64_t last_us = std::min(now_us, end_us_ - 1);
    const double passed = (static_cast<double>(last_us) - first_us_) / us_between_;
    std::uint64_t n = passed < 0 ? 0 : static_cast<std::uint64_t>(passed) + 1;
    // The same rounding as that of time_us().
    while (n > 0 && time_us(n - 1) > last_us)
      --n;
    while (time_us(n) <= last_us)
      ++n;
    return n;
  }

 private:
  const double us_between_;
  const double first_us_;
  const std::int64_t end_us_;
};

}  // namespace txindex::tools
