// The admin process: the HTTP server of src/admin as a child of the supervisor.
#pragma once

#include <cstdint>

#include "txindex/endpoint.h"

#include "config/config.h"
#include "stats/segment.h"

namespace txindex::process {

// What the supervisor gives to it.
struct AdminEnvironment {
  int slot;
  std::size_t side;          // which of the slot's blocks is its own
  std::uint64_t generation;  // counts the processes of the slot from 1
  int control_fd;            // to the supervisor: control.h; end-of-file means that it is gone
  stats::Segment* segment;   // outlives the call; it writes its own block only
  int listen_fd;             // the slot's listening socket; -1: there is none yet
  Endpoint listen;           // where to make one, not shared with anybody
};

// Returns the exit status: 0 after DRAIN, SIGTERM or the end-of-file of control_fd, else that of a
// failure that has also been sent as FAILED. A listening socket that it makes is deposited with the
// supervisor before it says that it is ready.
int run_admin(const config::Config& config, const AdminEnvironment& environment);

}  // namespace txindex::process
