// The promise that a received transaction gets exactly one outcome.
//
// A ticket is made on the loop when a transaction is received, travels with it through the stages,
// and is completed on the loop. It carries the transaction's credit (a reference to the chunk that
// its bytes are in) and its return address. Dropping one that was not completed is a bug of ours
// that would leave a producer waiting for ever: the process aborts, the supervisor replaces it, and
// the producers send again.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "txindex/wire/ack.h"

#include "flow/chunk.h"

namespace txindex::flow {

struct Completion {
  std::uint64_t sequence;
  wire::Outcome outcome;
  std::string_view detail;  // why it was rejected; a string literal, or empty
  Bytes txid;               // good during the call; empty when it did not parse
  std::size_t bytes;        // of the transaction
};

// Where outcomes go. Outlives every ticket that names it.
class Sink {
 public:
  virtual void complete(const Completion& completion) = 0;

 protected:
  ~Sink() = default;
};

class Ticket {
 public:
  Ticket(Sink& sink, std::uint64_t sequence, std::size_t bytes, ChunkRef chunk)
      : sink_(&sink), sequence_(sequence), bytes_(bytes), chunk_(std::move(chunk)) {}
  Ticket(Ticket&& other) noexcept
      : sink_(std::exchange(other.sink_, nullptr)),
        sequence_(other.sequence_),
        bytes_(other.bytes_),
        chunk_(std::move(other.chunk_)) {}
  Ticket& operator=(Ticket&&) = delete;
  ~Ticket() {
    if (sink_) dropped();
  }

  void complete(wire::Outcome outcome, std::string_view detail = {}, Bytes txid = {}) {
    if (!sink_) completed_twice();
    std::exchange(sink_, nullptr)->complete({sequence_, outcome, detail, txid, bytes_});
    chunk_.reset();
  }

 private:
  [[noreturn]] static void dropped();
  [[noreturn]] static void completed_twice();

  Sink* sink_;
  std::uint64_t sequence_;
  std::size_t bytes_;
  ChunkRef chunk_;
};

}  // namespace txindex::flow
