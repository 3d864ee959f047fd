// A supervisor that re-executes itself: what the one before leaves to the one after.
//
// Both are the same process, one program after the other: children stay its children, and
// descriptors stay open under their numbers. The rest is written down in a memfd, as JSON.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "txindex/endpoint.h"
#include "txindex/result.h"

#include "process/child_table.h"
#include "process/descriptor.h"

namespace txindex::process {

struct TakeoverState {
  struct Child {
    pid_t pid = 0;
    int slot = 0;
    int side = 0;
    std::uint64_t generation = 0;
    int control_fd = -1;
    bool in_charge = true;  // of its slot; otherwise it finishes its work
    bool ready = false;
    std::optional<ChildTable::Time> kill_at = {};  // if it is leaving
  };

  Endpoint address;     // as it is held, in numbers
  int address_fd = -1;  // what holds it: Reservation
  int lock_fd = -1;
  int stats_fd = -1;
  std::int64_t started_unix_us = 0;
  std::uint64_t reexecs = 0;
  std::uint64_t rolls = 0;  // so many have been started, and have ended
  std::uint64_t rolls_aborted = 0;
  std::map<int, int> listeners;  // slot to descriptor
  std::map<int, ChildTable::Slot> slots;
  std::vector<Child> children;

  // Every descriptor that goes along.
  std::vector<int> descriptors() const;
};

// The descriptor of a new memfd with the state, closed on exec.
result<Descriptor> write_state(const TakeoverState& state);

// Leaves the descriptor as it is; can be called again. Fails if the state is not of this form: it
// was written by a version that did it otherwise.
result<TakeoverState> read_state(int fd);

}  // namespace txindex::process
