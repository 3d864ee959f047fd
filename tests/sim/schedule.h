// One schedule: a worker's stages between its sockets and its database, on one thread, with every
// step chosen by the seed.
//
// What runs here is what runs in a worker: connections with their deadlines, intake, gate, chunks,
// parcels, tickets, the queues before verify threads and writers, the commit protocol, the
// acknowledgements and the drain. The sockets are pairs of local ones, in this process.
//
// What does not run: PostgreSQL and store::PgSession; signature checks; and what is little but
// threads and waiting, of which fake_worker.cc has its own: VerifyPool::work, Writers::work,
// PgStore::run and do_step, Worker::finish, and the end of Worker::run. So how the queues wake
// those who wait for them is not tested here (unit tests do that, with threads). Time is the
// schedule's, but for Asio's timers, which are to end what hangs, and never come due within a
// schedule: a drain that waits for HELLO, reading to a peer's end, the limits of tokens.
#pragma once

#include <cstdint>

namespace txindex::sim {

// What happened in a schedule, or in many: so that a test can see that what is to be tested
// happens.
struct Tally {
  std::uint64_t schedules = 0;
  std::uint64_t received = 0;
  std::uint64_t committed = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t bisections = 0;
  std::uint64_t ambiguous = 0;
  std::uint64_t retries = 0;
  std::uint64_t late = 0;           // statements that took effect after their connection was lost
  std::uint64_t gate_waits = 0;     // connections that were not read for want of credit
  std::uint64_t gate_holds = 0;     // or because the verify queue was full
  std::uint64_t batches_full = 0;   // verify threads that had to wait
  std::uint64_t drained_early = 0;  // while clients still had something to send
  std::uint64_t vanished = 0;
  std::uint64_t overdue = 0;  // clients that a deadline ended

  void add(const Tally& other);
};

struct Outcome {
  std::uint64_t fingerprint = 0;
  Tally tally;
};

// Aborts, and names the seed, when a promise is broken. `print`: every step, on standard error.
Outcome run_schedule(std::uint64_t seed, bool print);

// Of the schedule that runs, or ran last.
std::uint64_t current_seed();

}  // namespace txindex::sim
