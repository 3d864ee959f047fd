// The batcher with a lock around it: verify threads put parcels in, writers wait for batches.
#pragma once

#include <condition_variable>
#include <mutex>

#include "batch/batcher.h"
#include "stats/block.h"

namespace txindex::batch {

class BatchQueue {
 public:
  // push() waits while `capacity_rows` or more wait already.
  BatchQueue(const Batcher::Options& options, std::size_t capacity_rows, stats::Block& stats)
      : batcher_(options), capacity_rows_(capacity_rows), stats_(stats) {}

  void push(flow::ParcelPtr parcel);

  // Waits until a batch is due. Empty: closed, and everything has been taken.
  Batch take();

  // What waits is due at once; nothing more may be pushed.
  void close();

 private:
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
