// What a worker needs from storage, and nothing of how it is done.
#pragma once

#include <cstdint>
#include <span>

#include "txindex/chain/transaction.h"
#include "txindex/wire/ack.h"

namespace txindex::store {

// One verified transaction to be stored. The table and the bytes behind it belong to the caller
// and stay valid until write() returns.
struct Row {
  const chain::TransactionTable* table = nullptr;
  const chain::Transaction* transaction = nullptr;
  std::int64_t time_us = 0;      // microseconds since the Unix epoch: decides the partition
  std::int64_t received_us = 0;  // when it came
  std::uint64_t slot = 0;
  bool has_slot = false;
  // Set by write(): committed, duplicate or refused_by_database.
  wire::Outcome outcome = wire::Outcome::committed;
};

// One writer's way into storage. Used by one thread at a time; stop() may come from any.
class Store {
 public:
  virtual ~Store() = default;

  // Writes the rows as one database transaction, or a few, and returns true when the outcome of
  // every one is known and durable. It waits for as long as the database is slow or away, and asks
  // again after a commit whose outcome is unknown. Returns false, with no outcome known, only after
  // stop().
  virtual bool write(std::span<Row> rows) = 0;

  // To be called about once a second by a thread that has nothing to write, so that who looks at
  // the statistics, and who sends the next transaction, need not find out that the connection has
  // ended meanwhile: tries once to make a new one, for as long as the database takes to answer.
  virtual void look_after() {}

  // Makes a write() that waits for the database give up. What was sent may still be committed.
  virtual void stop() = 0;
};

}  // namespace txindex::store
