// Whether a child's event loop turns, as seen from its heartbeat in the shared statistics. Pure:
// time is passed in.
#pragma once

#include <chrono>
#include <cstdint>

namespace txindex::process {

class Watchdog {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // How long a heartbeat may stand still before what happens.
  static constexpr Duration kSilent = std::chrono::seconds(3);
  static constexpr Duration kAbort = std::chrono::seconds(10);
  static constexpr Duration kKill = std::chrono::seconds(12);
  // Looked at so often. If the observer itself was away for much longer (the machine was stopped,
  // all processes with it), that time says nothing of the observed, and does not count.
  static constexpr Duration kInterval = std::chrono::milliseconds(500);
  static constexpr Duration kObserverAway = std::chrono::seconds(2);

  enum class Verdict : std::uint8_t { alive, silent, abort, kill };

  explicit Watchdog(Time started) : changed_(started), looked_(started) {}

  Verdict look(std::uint64_t heartbeat, Time now);
  Verdict verdict() const { return verdict_; }  // of the latest look

 private:
  std::uint64_t heartbeat_ = 0;
  Time changed_;
  Time looked_;
  Verdict verdict_ = Verdict::alive;
};

}  // namespace txindex::process
