// What is handed from thread to thread: many transactions of many connections at once, so that a
// hand-over costs little for each. A parcel has one owner at any time: the loop, a verify thread,
// the batch queue, a writer, the loop again.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "txindex/chain/codec.h"
#include "txindex/chain/transaction.h"
#include "txindex/wire/ack.h"

#include "flow/ticket.h"

namespace txindex::flow {

struct Item {
  Ticket ticket;
  const chain::Codec* codec;
  std::int64_t time_us;           // since the Unix epoch: the producer's, or the time of receipt
  std::int64_t received_wall_us;  // since the Unix epoch
  std::int64_t received_steady_us;
  std::uint64_t slot;
  bool has_slot;
  // Set by the stages; `committed` means: no objection so far.
  wire::Outcome outcome = wire::Outcome::committed;
  std::string_view detail = {};
};

struct Parcel {
  chain::TransactionTable table;
  std::vector<Item> items;  // items[i] goes with table.transactions[i]
  std::size_t bytes = 0;    // of the transactions

  std::size_t size() const { return items.size(); }
  bool empty() const { return items.empty(); }
  // Every ticket must have been completed.
  void clear() {
    items.clear();
    table.clear();
    bytes = 0;
  }
};

using ParcelPtr = std::unique_ptr<Parcel>;

}  // namespace txindex::flow
