#include "process/child_table.h"

#include <algorithm>
#include <cassert>

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

ChildTable::ChildTable(int slots) : slots_(static_cast<std::size_t>(slots)) {
  assert(slots > 0);
}

std::optional<int> ChildTable::slot_of(pid_t pid) const {
  if (pid <= 0) return std::nullopt;
  for (int slot = 0; slot < size(); ++slot) {
    if ((*this)[slot].pid == pid) return slot;
  }
  return std::nullopt;
}

std::vector<int> ChildTable::due(Time now) const {
  std::vector<int> slots;
  if (stopping_) return slots;
  for (int i = 0; i < size(); ++i) {
    const Slot& slot = (*this)[i];
    if (slot.state == SlotState::empty ||
        (slot.state == SlotState::held_back && now >= slot.hold_until)) {
      slots.push_back(i);
    }
  }
  return slots;
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
  ++slot.generation;
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
  ++slot.restarts;
  if (slot.was_ready && now - slot.ready_since >= kHealthy) slot.deaths = 0;
  slot.was_ready = false;
  ++slot.deaths;
  death.wait = wait_after(slot.deaths);
  slot.hold_until = now + death.wait;
  slot.state = death.wait == Duration::zero() ? SlotState::empty : SlotState::held_back;
  return death;
}

void ChildTable::stop() {
  stopping_ = true;
  for (Slot& slot : slots_)
    slot.state = slot.pid > 0 ? SlotState::draining : SlotState::empty;
}

bool ChildTable::all_ready() const {
  return std::all_of(slots_.begin(), slots_.end(),
                     [](const Slot& slot) { return slot.state == SlotState::ready; });
}

bool ChildTable::any_process() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.pid > 0; });
}

bool ChildTable::hopeless() const {
  const auto is_lost = [](const Slot& slot) {
    return slot.state == SlotState::held_back && wait_after(slot.deaths) >= kBackoffMax;
  };
  return !stopping_ && std::all_of(slots_.begin(), slots_.end(), is_lost);
}

}  // namespace txindex::process
