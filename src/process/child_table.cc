#include "process/child_table.h"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace txindex::process {
namespace {

// How long a slot waits that has had this many deaths since its last healthy process.
ChildTable::Duration wait_after(int deaths) {
  if (deaths <= 1) return ChildTable::Duration::zero();
  // The bound keeps the shift from overflowing; the longest wait is reached long before.
  const int doublings = std::min(deaths - 2, 20);
  return std::min(ChildTable::kBackoffMax, ChildTable::kBackoffMin * (1 << doublings));
}

}  // namespace

ChildTable::ChildTable(int workers, std::optional<int> auxiliary)
    : slots_(static_cast<std::size_t>(workers) + (auxiliary ? 1 : 0)), auxiliary_(auxiliary) {
  assert(workers > 0);
}

std::vector<int> ChildTable::slots() const {
  std::vector<int> all(static_cast<std::size_t>(workers()));
  std::iota(all.begin(), all.end(), 0);
  if (auxiliary_) all.push_back(*auxiliary_);
  return all;
}

std::optional<int> ChildTable::slot_of(pid_t pid) const {
  if (pid <= 0) return std::nullopt;
  for (const int slot : slots()) {
    if ((*this)[slot].pid == pid) return slot;
  }
  return std::nullopt;
}

std::vector<int> ChildTable::due(Time now) const {
  std::vector<int> named;
  if (stopping_) return named;
  for (const int i : slots()) {
    const Slot& slot = (*this)[i];
    if (slot.state == SlotState::empty ||
        (slot.state == SlotState::held_back && now >= slot.hold_until)) {
      named.push_back(i);
    }
  }
  return named;
}

std::optional<ChildTable::Time> ChildTable::next_due() const {
  std::optional<Time> next;
  if (stopping_) return next;
  for (const Slot& slot : slots_) {
    if (slot.state != SlotState::held_back) continue;
    if (!next || slot.hold_until < *next) next = slot.hold_until;
  }
  return next;
}

void ChildTable::spawned(int index, pid_t pid) {
  Slot& slot = at(index);
  assert(pid > 0 && !slot_of(pid) && !stopping_);
  assert(slot.state == SlotState::empty || slot.state == SlotState::held_back);
  slot.state = SlotState::starting;
  slot.pid = pid;
  slot.was_ready = false;
}

void ChildTable::ready(int index, Time now) {
  Slot& slot = at(index);
  assert(slot.pid > 0);
  if (slot.was_ready) return;
  slot.was_ready = true;
  slot.ready_since = now;
  if (slot.state == SlotState::starting) slot.state = SlotState::ready;
}

ChildTable::Death ChildTable::not_spawned(int slot, Time now) {
  assert((*this)[slot].pid == 0);
  return count_death(slot, now);
}

std::optional<ChildTable::Death> ChildTable::died(pid_t pid, Time now) {
  const auto slot = slot_of(pid);
  if (!slot) return std::nullopt;
  return count_death(*slot, now);
}

ChildTable::Death ChildTable::count_death(int index, Time now) {
  Slot& slot = at(index);
  Death death{index, slot.state, Duration::zero()};
  slot.pid = 0;
  if (stopping_) {
    slot.state = SlotState::empty;
    return death;
  }
  slot.latest_deaths[slot.restarts % slot.latest_deaths.size()] = now;
  ++slot.restarts;
  if (slot.was_ready && now - slot.ready_since >= kHealthy) slot.deaths = 0;
  slot.was_ready = false;
  ++slot.deaths;
  death.wait = wait_after(slot.deaths);
  slot.hold_until = now + death.wait;
  slot.state = death.wait == Duration::zero() ? SlotState::empty : SlotState::held_back;
  return death;
}

void ChildTable::replaced(int index, pid_t pid, Time now) {
  Slot& slot = at(index);
  assert(pid > 0 && !slot_of(pid) && !stopping_ && slot.state != SlotState::retired);
  slot.state = SlotState::ready;
  slot.pid = pid;
  slot.was_ready = true;
  slot.ready_since = now;
  slot.deaths = 0;
}

int ChildTable::add_worker() {
  for (int slot = 0; slot < workers(); ++slot) {
    if (at(slot).state != SlotState::retired) continue;
    at(slot).state = SlotState::empty;
    return slot;
  }
  const int slot = workers();
  slots_.emplace(slots_.begin() + slot);
  return slot;
}

void ChildTable::retire(int index) {
  assert(index < workers());
  Slot& slot = at(index);
  slot.state = SlotState::retired;
  slot.pid = 0;
  slot.was_ready = false;
  slot.deaths = 0;
}

std::optional<int> ChildTable::last_worker() const {
  if (workers_wanted() <= 1) return std::nullopt;
  for (int slot = workers() - 1; slot >= 0; --slot) {
    if ((*this)[slot].state != SlotState::retired) return slot;
  }
  return std::nullopt;
}

int ChildTable::workers_wanted() const {
  return static_cast<int>(
      std::count_if(slots_.begin(), slots_.begin() + workers(),
                    [](const Slot& slot) { return slot.state != SlotState::retired; }));
}

void ChildTable::stop() {
  stopping_ = true;
  for (Slot& slot : slots_) {
    if (slot.state == SlotState::retired) continue;
    slot.state = slot.pid > 0 ? SlotState::draining : SlotState::empty;
  }
}

bool ChildTable::all_ready() const {
  return std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
    return slot.state == SlotState::ready || slot.state == SlotState::retired;
  });
}

int ChildTable::workers_ready() const {
  return static_cast<int>(
      std::count_if(slots_.begin(), slots_.begin() + workers(),
                    [](const Slot& slot) { return slot.state == SlotState::ready; }));
}

bool ChildTable::degraded(Time now) const {
  return std::any_of(slots_.begin(), slots_.begin() + workers(), [now](const Slot& slot) {
    // The oldest of the latest few is the one that the next death would overwrite.
    return slot.state != SlotState::retired && slot.restarts >= kManyDeaths &&
           now - slot.latest_deaths[slot.restarts % slot.latest_deaths.size()] < kHealthy;
  });
}

bool ChildTable::hopeless() const {
  const auto is_lost = [](const Slot& slot) {
    return slot.state == SlotState::retired ||
           (slot.state == SlotState::held_back && wait_after(slot.deaths) >= kBackoffMax);
  };
  return !stopping_ && std::all_of(slots_.begin(), slots_.begin() + workers(), is_lost);
}

}  // namespace txindex::process
