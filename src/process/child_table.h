// The respawn policy: which slot gets a new process, and when. Pure: time is passed in, processes
// are only numbers here.
//
// A slot whose process dies gets a new one at once; if that does not live for kHealthy either, the
// next ones wait 0.1 s, 0.2 s, 0.4 s ... 30 s. A process that was ready for kHealthy makes its slot
// begin anew. The table knows the process in charge of a slot; one that is to replace it, or has
// been replaced and finishes its work, is not in it.
#pragma once

#include <sys/types.h>

#include <array>
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
  // A slot that has had so many deaths within kHealthy makes the service degraded.
  static constexpr int kManyDeaths = 5;

  struct Slot {
    SlotState state = SlotState::empty;
    pid_t pid = 0;                 // 0: no process
    std::uint64_t generation = 0;  // processes that were started for the slot
    std::uint64_t restarts = 0;    // of them, those that died and were to be replaced
    int deaths = 0;                // in a row, without a healthy process between them
    Time ready_since{};            // while ready or draining after it
    Time hold_until{};             // while held back
    bool was_ready = false;        // its current process has been
    std::array<Time, kManyDeaths> latest_deaths{};  // by `restarts` modulo its size
  };

  struct Death {
    int slot;
    SlotState state;  // in which it was
    Duration wait;    // until it is replaced; means nothing while draining
  };

  // Slots 0 to workers - 1; and, if given, the slot of a process that the service can live without.
  explicit ChildTable(int workers, std::optional<int> auxiliary = std::nullopt);

  int workers() const { return static_cast<int>(slots_.size()) - (auxiliary_ ? 1 : 0); }
  // All slots: the workers', then the auxiliary one.
  std::vector<int> slots() const;
  const Slot& operator[](int slot) const { return slots_[index(slot)]; }
  std::optional<int> slot_of(pid_t pid) const;

  // The slots that should get a process now.
  std::vector<int> due(Time now) const;
  // When due() will next name a slot that it does not name now; nothing: not by time alone.
  std::optional<Time> next_due() const;

  // Counts a process that is about to be started for `slot`, whatever for, and returns its
  // generation.
  std::uint64_t next_generation(int slot) { return ++at(slot).generation; }
  // `slot` was due and now has the process `pid`.
  void spawned(int slot, pid_t pid);
  // `slot` was due, but no process could be made: as if one had died at once.
  Death not_spawned(int slot, Time now);
  void ready(int slot, Time now);
  // Nothing if `pid` is in charge of no slot.
  std::optional<Death> died(pid_t pid, Time now);
  // `pid`, which is ready, is in charge now; the slot begins anew.
  void replaced(int slot, pid_t pid, Time now);

  // One worker more: the first retired slot, else a new one. Returns it.
  int add_worker();
  // One worker fewer: `slot`, which must be a worker's, wants no process any more.
  void retire(int slot);
  // The slot that add_worker() has added last and that is not retired; nothing if one is left.
  std::optional<int> last_worker() const;
  int workers_wanted() const;

  // From now on there are no replacements; every process is draining.
  void stop();
  bool stopping() const { return stopping_; }

  bool all_ready() const;  // but for the retired
  int workers_ready() const;
  // A worker's slot has had kManyDeaths within kHealthy.
  bool degraded(Time now) const;
  // No worker's slot has a process, and each has come to the longest wait: trying on is of no use.
  bool hopeless() const;

  // For a table that goes on where another one ended.
  void restore(int slot, Slot state) { at(slot) = state; }

 private:
  std::size_t index(int slot) const {
    return auxiliary_ == slot ? slots_.size() - 1 : static_cast<std::size_t>(slot);
  }
  Slot& at(int slot) { return slots_[index(slot)]; }
  Death count_death(int slot, Time now);

  std::vector<Slot> slots_;  // the auxiliary one last
  std::optional<int> auxiliary_;
  bool stopping_ = false;
};

}  // namespace txindex::process
