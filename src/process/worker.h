// A worker: one listener, one event loop, a verify pool, PostgreSQL writers.
#pragma once

#include <cstdint>
#include <string>

#include "txindex/endpoint.h"
#include "txindex/stats_layout.h"

#include "config/config.h"

namespace txindex::process {

// What the supervisor gives to a worker.
struct WorkerEnvironment {
  int slot;
  std::uint64_t generation;   // counts the processes of the slot from 1
  int control_fd;             // to the supervisor: control.h; end-of-file means that it is gone
  stats::TokenTable* tokens;  // of all workers
  stats::Block* stats;        // its own; pid, generation, state and restarts are the supervisor's
  int listen_fd;              // the slot's listening socket; -1: there is none yet
  bool patient;               // wait for a database that is away, instead of failing
  Endpoint listen;            // where to make one, both numeric; bound with SO_REUSEPORT
};

// Returns the exit status: 0 after a drain (DRAIN, SIGTERM or end-of-file of control_fd) that
// committed and acknowledged everything, else that of a failure that has also been sent as FAILED.
//
// The supervisor gives up, and the service with it, when no worker can live. So a replacement of
// one that died is patient: it waits for a database that is away.
int run_worker(const config::Config& config, const WorkerEnvironment& environment);

// Whether a worker of this configuration, once it is confined, could read the file.
bool worker_may_read(const config::Config& config, const std::string& file);

}  // namespace txindex::process
