// A token bucket ("so many a second, so many at once") as one word that processes share: the time
// until which what was taken has used the rate up. Also known as the generic cell rate algorithm.
//
//   now        spent_until
//    |--- used ---|................|        used + credit = burst, as time at the rate
//
// Pure but for the word: time is passed in. What is taken is always given, and may put the bucket
// into debt; who finds it empty has to wait before taking more. So over any time t what passes is
// at most burst + rate * t, and one piece.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace txindex::access {

struct Limit {
  std::uint64_t per_second = 0;  // 0: there is no limit
  std::uint64_t burst = 0;       // at least 1 with a limit
};

// The time that `amount` takes at the rate; amount up to 2^33.
inline std::int64_t duration_ns(const Limit& limit, std::uint64_t amount) {
  constexpr std::uint64_t kSecondNs = 1'000'000'000;
  return static_cast<std::int64_t>(amount * kSecondNs / limit.per_second);
}

// How long until there is credit for one unit; 0: there is now.
inline std::int64_t wait_ns(const std::atomic<std::uint64_t>& spent_until, const Limit& limit,
                            std::int64_t now_ns) {
  if (limit.per_second == 0) return 0;
  const auto spent = static_cast<std::int64_t>(spent_until.load(std::memory_order_relaxed));
  return std::max<std::int64_t>(0, spent - now_ns - duration_ns(limit, limit.burst - 1));
}

// Takes `amount`, and says what wait_ns() would then say. Any process and thread.
inline std::int64_t take(std::atomic<std::uint64_t>& spent_until, const Limit& limit,
                         std::uint64_t amount, std::int64_t now_ns) {
  if (limit.per_second == 0) return 0;
  const std::int64_t cost = duration_ns(limit, amount);
  std::uint64_t seen = spent_until.load(std::memory_order_relaxed);
  std::int64_t after;
  do {
    after = std::max(static_cast<std::int64_t>(seen), now_ns) + cost;
  } while (!spent_until.compare_exchange_weak(seen, static_cast<std::uint64_t>(after),
                                              std::memory_order_relaxed));
  return std::max<std::int64_t>(0, after - now_ns - duration_ns(limit, limit.burst - 1));
}

}  // namespace txindex::access
