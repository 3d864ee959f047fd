// Group commit, as a policy without threads or clocks: what waits, and when a writer should take
// it.
//
// A batch is one database transaction. Its cost is mostly fixed up to a few thousand rows (a round
// trip, a flush of the log), so an idle writer takes all that waits. It waits `linger` for company
// only after a pause: under load there is always enough.
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
  };

  explicit Batcher(const Options& options) : options_(options) {}

  void add(flow::ParcelPtr parcel, Time now);

  // When the next batch should be taken: now or earlier when enough waits, else when the oldest has
  // waited for `linger`. nullopt: nothing waits.
  std::optional<Time> due() const;

  // The oldest parcels, whole, as many as fit the limits, and at least one if any waits.
  Batch take();

  std::size_t rows() const { return rows_; }
  bool empty() const { return waiting_.empty(); }

 private:
  struct Waiting {
    flow::ParcelPtr parcel;
    Time since;
  };

  const Options options_;
  std::deque<Waiting> waiting_;
  std::size_t rows_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace txindex::batch
