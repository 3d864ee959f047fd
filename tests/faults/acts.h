// Single faults, done to an arena while its load runs.
#pragma once

#include <string>
#include <vector>

#include "faults/arena.h"
#include "support/random.h"

namespace txindex::test {

struct Act {
  const char* name;
  // False: not possible just now (PostgreSQL is away already, there is no such process).
  bool (*apply)(Arena& arena, Random& random);
};

namespace acts {
// Processes of the service.
extern const Act kill_worker, stop_worker, kill_admin, stop_admin, kill_supervisor, stop_supervisor,
    roll, reexec;
// PostgreSQL.
extern const Act postgres_kill, postgres_immediate, postgres_pause, postgres_terminate,
    postgres_forgets, postgres_cancel, cut_answer, fail_over, disk_full, small_disk_full;
// The network between producers and service.
extern const Act lossy, slow_and_reordered, half_open, partition;
}  // namespace acts

}  // namespace txindex::test
