// Exponential backoff with jitter. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace txindex::store {

class Backoff {
 public:
  using Milliseconds = std::chrono::milliseconds;

  Backoff(Milliseconds min, Milliseconds max, std::uint32_t seed)
      : min_(min), max_(max), next_(min), random_(seed) {}

  // How long to wait now: between half and all of a span that doubles from min to max.
  Milliseconds next() {
    const auto span = next_.count();
    next_ = std::min(max_, next_ * 2);
    return Milliseconds(std::uniform_int_distribution<Milliseconds::rep>(span / 2, span)(random_));
  }
  void reset() { next_ = min_; }

 private:
  Milliseconds min_;
  Milliseconds max_;
  Milliseconds next_;
  std::minstd_rand random_;
};

}  // namespace txindex::store
