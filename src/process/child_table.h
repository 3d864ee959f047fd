// The respawn policy: which slot gets a new process, and when. Pure: time is passed in, processes
// are only numbers here.
//
// A slot whose process dies gets a new one at once; if that does not live for kHealthy either, the
// next ones wait 0.1 s, 0.2 s, 0.4 s ... 30 s. A process that was ready for kHealthy makes its slot
// begin anew.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "txindex/stats_layout.h"

namespace txindex::process {

// empty: due for a process, unless the table is stopping; draining: not replaced when it has ended.
using SlotState = stats::ProcessState;

class ChildTable {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  static constexpr Duration kBackoffMin = std::chrono::milliseconds(100);
  static constexpr Duration kBackoffMax = std::chrono::seconds(30);
  static constexpr Duration kHealthy = std::chrono::seconds(60);

  struct Slot {
    SlotState state = SlotState::empty;
    pid_t pid = 0;                 // 0: no process
    std::uint64_t generation = 0;  // processes that the slot has had
    std::uint64_t restarts = 0;    // of them, those that died and were to be replaced
    int deaths = 0;                // in a row, without a healthy process between them
    Time ready_since{};            // while ready or draining after it
    Time hold_until{};             // while held back
    bool was_ready = false;        // its current process has been
  };

  struct Death {
    int slot;
    SlotState state;  // in which it was
    Duration wait;    // until it is replaced; means nothing while draining
  };

  explicit ChildTable(int slots);

  int size() const { return static_cast<int>(slots_.size()); }
  const Slot& operator[](int slot) const { return slots_[static_cast<std::size_t>(slot)]; }
  std::optional<int> slot_of(pid_t pid) const;

  // The slots that should get a process now.
  std::vector<int> due(Time now) const;
  // When due() will next name a slot that it does not name now; nothing: not by time alone.
  std::optional<Time> next_due() const;

  // The generation that the slot's next process is to have.
  std::uint64_t next_generation(int slot) const { return (*this)[slot].generation + 1; }
  // `slot` was due and now has the process `pid`.
  void spawned(int slot, pid_t pid);
  // `slot` was due, but no process could be made: as if one had died at once.
  Death not_spawned(int slot, Time now);
  void ready(int slot, Time now);
  // Nothing if `pid` is of no slot.
  std::optional<Death> died(pid_t pid, Time now);

  // From now on there are no replacements; every process is draining.
  void stop();
  bool stopping() const { return stopping_; }

  bool all_ready() const;
  bool any_process() const;
  // No slot has a process, and each has come to the longest wait: trying on is of no use.
  bool hopeless() const;

 private:
  Slot& at(int slot) { return slots_[static_cast<std::size_t>(slot)]; }
  Death count_death(int slot, Time now);

  std::vector<Slot> slots_;
  bool stopping_ = false;
};

}  // namespace txindex::process
