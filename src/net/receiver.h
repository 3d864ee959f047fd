// What the connections of a worker share with it, seen from their side.
#pragma once

#include <cstdint>
#include <functional>

#include "txindex/wire/frame.h"

#include "flow/clock.h"
#include "flow/ticket.h"

namespace txindex::net {

struct ReadTime {
  std::int64_t wall_us;
  std::int64_t steady_us;
};

// Both clocks. The wall clock is the time stamp of a transaction that brings none, so whoever wants
// to know exactly what becomes of one gives another.
using Clocks = std::function<ReadTime()>;
inline ReadTime read_clocks() {
  return {flow::wall_us(), flow::steady_us()};
}

// Takes transactions as they are received. Loop thread only.
class Receiver {
 public:
  // The transaction's bytes are in the chunk that the ticket holds. The ticket may be completed
  // within the call.
  virtual void receive(flow::Ticket ticket, const wire::TxFrame& tx, const ReadTime& time) = 0;

 protected:
  ~Receiver() = default;
};

}  // namespace txindex::net
