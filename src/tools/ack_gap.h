// The longest time for which a server owed answers and gave none, over all connections together.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace txindex::tools {

// Any thread. Times are microseconds by one clock.
class AckGap {
 public:
  void sent(std::int64_t now_us, std::uint64_t n) {
    const std::lock_guard lock(mutex_);
    if (owed_ == 0) quiet_since_us_ = now_us;
    owed_ += n;
  }

  void acked(std::int64_t now_us, std::uint64_t n) {
    const std::lock_guard lock(mutex_);
    longest_us_ = std::max(longest_us_, now_us - quiet_since_us_);
    quiet_since_us_ = now_us;
    owed_ -= std::min(owed_, n);
  }

  // Counting what is owed at `now_us`.
  std::int64_t longest_us(std::int64_t now_us) const {
    const std::lock_guard lock(mutex_);
    return owed_ == 0 ? longest_us_ : std::max(longest_us_, now_us - quiet_since_us_);
  }

 private:
  mutable std::mutex mutex_;
  std::uint64_t owed_ = 0;
  std::int64_t quiet_since_us_ = 0;
  std::int64_t longest_us_ = 0;
};

}  // namespace txindex::tools
