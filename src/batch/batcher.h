// Group commit, as a policy without threads or clocks: what waits, and when a writer should take
// it.
//
// A batch is one database transaction. Its cost is mostly fixed up to some hundred rows (round
// trips, a flush of the log), so a writer takes all that waits, and waits for company before: until
// the oldest transaction was received `linger` ago. It waits longer
//
//   under load, when a crowd comes within the linger, unless there is enough for a good batch;
//   while another writer has a batch, which will take what comes in meanwhile with its next one:
//   two at the same time slow each other, with batches of half the size. Unless there is so much
//   that two are needed, or the other one takes long.
//
// And what comes late, because the stages before are busy, waits another eighth of its age: it
// hardly notices, and batches stay large when the processor is what all wait for.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "flow/parcel.h"

namespace txindex::batch {

using Time = std::chrono::steady_clock::time_point;
using Batch = std::vector<flow::ParcelPtr>;

class Batcher {
 public:
  struct Options {
    std::size_t max_rows;
    std::size_t max_bytes;
    std::chrono::microseconds linger;
    // As they are, it never waits longer.
    std::size_t crowd_rows = 1;
    std::size_t many_rows = 1;  // a good batch
    std::chrono::microseconds long_linger{};
    std::size_t beside_rows = 1;  // enough for a batch beside another
    std::chrono::microseconds beside_linger{};
    std::chrono::microseconds late_linger_max{};  // what comes late, from then on
  };

  explicit Batcher(const Options& options) : options_(options) {}

  // `since`: when its first transaction was received. About in the order of these times.
  void add(flow::ParcelPtr parcel, Time since, Time now);

  // When the next batch should be taken. nullopt: nothing waits.
  std::optional<Time> due() const;

  // The oldest parcels, whole, as many as fit the limits, and at least one if any waits. They are
  // under way until as many calls of settled().
  Batch take();
  void settled();

  std::size_t rows() const { return rows_; }
  bool empty() const { return waiting_.empty(); }

 private:
  struct Waiting {
    flow::ParcelPtr parcel;
    Time since;
    Time late_until;
  };

  std::chrono::microseconds linger() const;

  const Options options_;
  std::deque<Waiting> waiting_;
  std::size_t rows_ = 0;
  std::size_t bytes_ = 0;
  std::size_t under_way_ = 0;
};

}  // namespace txindex::batch
