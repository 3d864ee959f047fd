// The rolling restart as a policy: one slot after the other gets a replacement, which must be ready
// before the old process is told to finish. Pure: time is passed in.
//
//   start a replacement -> ready -> (the first one: lives for `settle`) -> hand over -> old has
//   ended
//
// Whatever goes wrong with a replacement before it is handed the slot aborts the roll: the old
// process has never stopped serving. So does the death of one that was handed a slot, while the
// roll runs. No other slot is touched then.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace txindex::process {

class Roll {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  struct Limits {
    Duration ready_timeout;
    Duration settle;
  };

  enum class Do : std::uint8_t {
    nothing,    // for now
    start,      // start a replacement for slot(), then started() or failed()
    hand_over,  // the replacement takes the slot, the old process finishes; then ended() when it
                // has
    finish,     // every slot has been replaced
    abort,      // failure() says why
  };

  Roll(std::vector<int> slots, Limits limits);

  // What is to be done now. Ask again after every event, and when next_due() has come; the same
  // answer comes again until its event.
  Do next(Time now);
  std::optional<Time> next_due() const;

  int slot() const { return slots_[at_]; }
  const std::string& failure() const { return failure_; }
  int failed_slot() const { return failed_slot_; }

  void started(Time now);
  void ready(Time now);
  // The replacement could not be started, said that it cannot serve, or ended; also one of an
  // earlier `slot`, which has been handed that.
  void failed(std::string reason, std::optional<int> slot = std::nullopt);
  void handed_over();
  void ended();

 private:
  enum class Phase : std::uint8_t {
    to_start,
    starting,
    settling,
    to_hand_over,
    ending,
    done,
    failed
  };

  std::vector<int> slots_;
  Limits limits_;
  std::size_t at_ = 0;
  Phase phase_ = Phase::to_start;
  Time due_{};
  std::string failure_;
  int failed_slot_ = 0;
};

}  // namespace txindex::process
