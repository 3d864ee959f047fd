// How long a peer may take for what it owes. No I/O; time is passed in.
//
// A connection is looked at every second or so. Time counts against the peer only from one look to
// the next, only if it owed the same at both and had not got on with it in between, and never more
// than kLookMaxUs for one step. So what is not its fault costs it nothing: while the connection is
// not read (backpressure, PostgreSQL away) it owes nothing and its time begins anew after that, and
// a worker that was stopped or swapped out charges its peers at most one step.
#pragma once

#include <cstdint>

namespace txindex::net {

// Microseconds. idle_us 0: a connection may say nothing for ever.
struct DeadlineLimits {
  std::int64_t hello_us = 10'000'000;
  std::int64_t frame_us = 30'000'000;
  std::int64_t idle_us = 600'000'000;
  std::int64_t answers_us = 30'000'000;
};

enum class Owed : std::uint8_t {
  nothing,
  hello,    // preface and HELLO, or the first byte of line mode
  frame,    // the rest of a frame or line that has begun
  word,     // nothing is under way: any frame, PING too, or line shows that somebody is there
  answers,  // to read what it was told
};

class Deadline {
 public:
  static constexpr std::int64_t kLookMaxUs = 2'000'000;

  // What the peer owes now; `progress` is another number after each step that it completes.
  // True: it has owed that for longer than it may.
  bool look(Owed owed, std::uint64_t progress, std::int64_t now_us, const DeadlineLimits& limits);

 private:
  Owed owed_ = Owed::nothing;
  std::uint64_t progress_ = 0;
  std::int64_t looked_us_ = 0;
  std::int64_t charged_us_ = 0;
};

}  // namespace txindex::net
