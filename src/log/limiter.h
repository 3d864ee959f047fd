// How often one kind of message may be written: a peer that errs a thousand times a second, or an
// outage that every writer notices, must not fill the disk. Time is passed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "log/line.h"

namespace txindex::log {

// Any thread.
class Limiter {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // Messages of one kind that were left out.
  struct Repeated {
    std::string kind;
    Level level = Level::info;
    std::uint64_t count = 0;
    Duration span{};  // from the first message of the interval to its end
  };

  // Of each kind `most` messages pass in an interval, which begins with the first of them.
  Limiter(std::uint64_t most, Duration interval) : most_(most), interval_(interval) {}

  // Whether a message of this kind, by which it is known from all others, is to be written.
  bool admit(std::string_view kind, Level level, Time now);

  // What was left out in intervals that are over; each is told once.
  std::vector<Repeated> over(Time now);
  // The same of all intervals, which ends them.
  std::vector<Repeated> all(Time now);

 private:
  struct Interval {
    Time begin;
    Level level = Level::info;
    std::uint64_t passed = 0;
    std::uint64_t left_out = 0;
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Intervals = std::unordered_map<std::string, Interval, Hash, std::equal_to<>>;

  void end(const std::string& kind, Interval& interval, Time at);
  std::vector<Repeated> take_ended();

  const std::uint64_t most_;
  const Duration interval_;
  std::mutex mutex_;
  Intervals intervals_;
  std::vector<Repeated> ended_;
  Time first_over_ = Time::max();  // when the first interval ends that leaves something out
};

}  // namespace txindex::log
