// Single faults, done to an arena while its load runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "faults/arena.h"
#include "support/random.h"

namespace txindex::test {

struct Act {
  enum class Part : std::uint8_t { processes, postgres, network };

  const char* name;
  // What it is done to. It is not done before that is well again after the act before.
  Part part;
  // False: not possible just now (there is no such process).
  bool (*apply)(Arena& arena, Random& random);
  // How often it was seen, by what others noticed of it, that it did what it is to do.
  std::uint64_t (*bites)(const Outcome& outcome);
  bool only_in_soaks = false;  // it lasts for long
};

namespace acts {
// Processes of the service.
extern const Act kill_worker, stop_worker, kill_admin, stop_admin, kill_supervisor, stop_supervisor,
    roll, reexec;
// PostgreSQL.
extern const Act postgres_kill, postgres_immediate, postgres_pause, postgres_terminate,
    postgres_forgets, postgres_cancel, lock_tables, cut_answer, fail_over, disk_full,
    small_disk_full, forget_uniqueness;
// The network between producers and service. The long ones: until connections are given up, by
// loads that give up after 10 s, or in soaks after the usual time.
extern const Act lossy, slow_and_reordered, half_open, long_half_open, partition, long_partition,
    very_long_partition;
}  // namespace acts

}  // namespace txindex::test
