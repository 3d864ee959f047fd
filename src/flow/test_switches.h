// Ways to break the program on purpose, for tests that must see that such a thing is noticed. They
// are compiled in only with TXINDEX_TEST_SWITCHES, which no released program is: there each is an
// empty or constant function, and none of the names is in the program. What an intruder would do is
// in process/sandbox_trial.h.
//
//   TXINDEX_TEST_CRASH_AT   POINT:N, POINT:N ...  SIGKILL at one of N passings of the point; the
//                           first process of a slot meets it at one of its first dozen passings
//   TXINDEX_TEST_BREAK      NAME, NAME:N ...      breaks that promise always, or one time in N
//   TXINDEX_TEST_SEED       of the chances above
//   TXINDEX_TEST_SPIN       SLOT: the event loop of that worker's first process does not turn
//   TXINDEX_TEST_NO_ESCROW  the supervisor keeps no duplicates of listening sockets
//   TXINDEX_TEST_KERNEL     verify.backend avx512ifma is there everywhere, and runs in plain code
#pragma once

#include <cstdint>

namespace txindex::flow {

// Where a process may be killed; in the environment by the same names.
enum class CrashPoint : std::uint8_t {
  read,            // bytes of a producer have been read
  verified,        // a parcel has been
  statement_sent,  // PostgreSQL is at work on a batch
  commit_known,    // it has answered that the batch is committed
  ack_written,     // the answer has gone to the producer's socket
};

// What may be broken.
enum class Promise : std::uint8_t {
  commit_before_ack,  // batches are committed some later together, or when the writer ends
  verification,       // what the verification says is not heeded
  ticket_kept,        // a ticket is dropped, which ends the process
  ticket_completed,   // a ticket is lost, which nobody notices
};

#ifdef TXINDEX_TEST_SWITCHES
// Any thread.
void crash_early();  // said by the first process of a slot
void crash_point(CrashPoint point);
bool broken(Promise promise);
bool spins(int slot);
bool listeners_are_kept();
bool kernel_in_plain_code();
#else
inline void crash_early() {}
inline void crash_point(CrashPoint) {}
constexpr bool broken(Promise) {
  return false;
}
constexpr bool spins(int) {
  return false;
}
constexpr bool listeners_are_kept() {
  return true;
}
constexpr bool kernel_in_plain_code() {
  return false;
}
#endif

}  // namespace txindex::flow
