// The processes that a supervisor has started and that have not ended, and what it knows of each.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "txindex/stats_layout.h"

#include "process/child_table.h"
#include "process/descriptor.h"
#include "process/watchdog.h"

namespace txindex::process {

enum class Role : std::uint8_t {
  in_charge,    // of its slot
  replacement,  // will be, if the rolling restart gets there
  leaving,      // was told to finish what it has
};

struct Child {
  pid_t pid = 0;
  int slot = 0;
  int side = 0;  // which of the slot's blocks in the statistics it writes
  std::uint64_t generation = 0;
  Role role = Role::in_charge;
  Descriptor control = {};  // the supervisor's end; none when the child has closed its own
  ChildTable::Time started = {};
  bool ready = false;
  std::string failure = {};                      // what it said before it ended
  std::optional<ChildTable::Time> kill_at = {};  // if it is leaving, and has not left by then
  Watchdog watchdog = Watchdog(started);
  bool watched = true;     // its heartbeat can be seen: it writes the segment that is read here
  std::uint64_t roll = 0;  // the rolling restart that has put it in charge, if one has

  bool is_admin() const { return slot == static_cast<int>(stats::kAdminSlot); }
  std::string name() const { return name_of(slot); }
  // "worker 0" or "admin".
  static std::string name_of(int slot) {
    return slot == static_cast<int>(stats::kAdminSlot) ? "admin" : "worker " + std::to_string(slot);
  }
};

// Stable addresses: a Child stays where it is until it is erased.
class Children {
 public:
  auto begin() { return children_.begin(); }
  auto end() { return children_.end(); }
  bool empty() const { return children_.empty(); }

  Child& add(Child child) { return children_.emplace_back(std::move(child)); }
  void erase(const Child& child) {
    children_.remove_if([&](const Child& other) { return &other == &child; });
  }

  Child* find(pid_t pid) {
    return first([=](const Child& child) { return child.pid == pid; });
  }
  Child* find(int slot, Role role) {
    return first([=](const Child& child) { return child.slot == slot && child.role == role; });
  }
  bool any(int slot) {
    return first([=](const Child& child) { return child.slot == slot; }) != nullptr;
  }
  // A block of the slot that no process writes; nothing while there are two.
  std::optional<int> free_side(int slot) {
    for (int side = 0; side < static_cast<int>(stats::kSides); ++side) {
      const auto has = [=](const Child& child) { return child.slot == slot && child.side == side; };
      if (first(has) == nullptr) return side;
    }
    return std::nullopt;
  }

 private:
  template <typename Predicate>
  Child* first(Predicate predicate) {
    const auto found = std::find_if(children_.begin(), children_.end(), predicate);
    return found == children_.end() ? nullptr : &*found;
  }

  std::list<Child> children_;
};

}  // namespace txindex::process
