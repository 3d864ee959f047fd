#include "log/limiter.h"

#include <algorithm>
#include <utility>

namespace txindex::log {
namespace {

// A kind is a literal in the program, so there are some dozens. Should somebody make them up as he
// goes, those beyond this share one limit instead of memory without end.
constexpr std::size_t kKindsMax = 1000;
constexpr std::string_view kOthers = "other messages";

}  // namespace

bool Limiter::admit(std::string_view kind, Level level, Time now) {
  const std::lock_guard lock(mutex_);
  auto found = intervals_.find(kind);
  if (found == intervals_.end() && intervals_.size() >= kKindsMax) {
    kind = kOthers;
    found = intervals_.find(kind);
  }
  if (found == intervals_.end()) {
    found = intervals_.emplace(std::string(kind), Interval{now, level}).first;
  }
  Interval& interval = found->second;
  if (now - interval.begin >= interval_) {
    end(found->first, interval, interval.begin + interval_);
    interval.begin = now;
  }
  interval.level = level;
  if (interval.passed < most_) {
    ++interval.passed;
    return true;
  }
  ++interval.left_out;
  first_over_ = std::min(first_over_, interval.begin + interval_);
  return false;
}

std::vector<Limiter::Repeated> Limiter::over(Time now) {
  const std::lock_guard lock(mutex_);
  if (now >= first_over_) {
    first_over_ = Time::max();
    for (auto& [kind, interval] : intervals_) {
      if (interval.left_out == 0) continue;
      const Time at = interval.begin + interval_;
      if (now >= at) {
        end(kind, interval, at);
      } else {
        first_over_ = std::min(first_over_, at);
      }
    }
  }
  return take_ended();
}

std::vector<Limiter::Repeated> Limiter::all(Time now) {
  const std::lock_guard lock(mutex_);
  for (auto& [kind, interval] : intervals_)
    end(kind, interval, std::min(now, interval.begin + interval_));
  first_over_ = Time::max();
  return take_ended();
}

void Limiter::end(const std::string& kind, Interval& interval, Time at) {
  if (interval.left_out > 0) {
    ended_.push_back({kind, interval.level, interval.left_out, at - interval.begin});
  }
  interval.passed = 0;
  interval.left_out = 0;
}

std::vector<Limiter::Repeated> Limiter::take_ended() {
  return std::exchange(ended_, {});
}

}  // namespace txindex::log
