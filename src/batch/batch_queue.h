// The batcher with a lock around it: verify threads put parcels in, writers wait for batches.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "batch/batcher.h"
#include "stats/block.h"

namespace txindex::batch {

class BatchQueue {
 public:
  // push() waits while `capacity_rows` or more wait already.
  BatchQueue(const Batcher::Options& options, std::size_t capacity_rows, stats::Block& stats)
      : batcher_(options), capacity_rows_(capacity_rows), stats_(stats) {}

  void push(flow::ParcelPtr parcel);

  // Waits until a batch is due. Nothing: there was none to wait for, for so long. Empty: closed,
  // and everything has been taken. Who has taken one says when it is settled, and then takes the
  // next or leaves it to others for good.
  std::optional<Batch> take(std::chrono::milliseconds idle);
  void settled();

  // The same without waiting, at a time of the caller's: false, or an empty batch, where those
  // would wait.
  bool try_push(flow::ParcelPtr& parcel, Time since, Time now);
  Batch try_take(Time now);
  // When try_take() has something to give; nullopt: nothing waits.
  std::optional<Time> due();

  // What waits is due at once; nothing more may be pushed.
  void close();

  std::size_t rows();

 private:
  bool has_room() const { return batcher_.rows() < capacity_rows_; }
  bool is_due(Time now) const;
  bool add(flow::ParcelPtr parcel, Time since, Time now);
  Batch take_due(std::unique_lock<std::mutex> lock);
  void publish_depth();

  std::mutex mutex_;
  std::condition_variable due_;
  std::condition_variable room_;
  Batcher batcher_;
  const std::size_t capacity_rows_;
  stats::Block& stats_;
  bool closed_ = false;
};

}  // namespace txindex::batch
