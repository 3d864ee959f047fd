// The sign of life of an event loop, in its process's block of the statistics: when it last turned,
// and how much of its time it worked.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>

#include "flow/clock.h"
#include "stats/block.h"

namespace txindex::process {

class Heartbeat {
 public:
  // `stats` outlives it. On the loop's thread, whose time it counts.
  explicit Heartbeat(stats::Block& stats) : stats_(stats) {}

  // To be called often, by the loop.
  void beat() {
    const std::int64_t now = flow::steady_us();
    const std::int64_t cpu = thread_cpu_us();
    const std::int64_t busy = cpu - last_cpu_us_;
    const std::int64_t idle = std::max<std::int64_t>(0, now - last_us_ - busy);
    stats::set(stats_, stats::Word::heartbeat_us, static_cast<std::uint64_t>(now));
    stats::add(stats_, stats::Word::loop_busy_us, static_cast<std::uint64_t>(busy));
    stats::add(stats_, stats::Word::loop_idle_us, static_cast<std::uint64_t>(idle));
    last_us_ = now;
    last_cpu_us_ = cpu;
  }

 private:
  static std::int64_t thread_cpu_us() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_nsec / 1000;
  }

  stats::Block& stats_;
  std::int64_t last_us_ = flow::steady_us();
  std::int64_t last_cpu_us_ = thread_cpu_us();
};

}  // namespace txindex::process
