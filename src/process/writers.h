// The writer threads of a worker: each takes batches from the queue and gives them to its store.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "batch/batch_queue.h"
#include "stats/block.h"
#include "store/store.h"

namespace txindex::process {

class Writers {
 public:
  // `on_written` gets every batch, each item with its final outcome, on a writer thread. The stores
  // must not be stopped while there are batches: their tickets would be dropped.
  Writers(std::vector<std::unique_ptr<store::Store>> stores, batch::BatchQueue& queue,
          stats::Block& stats, std::function<void(batch::Batch)> on_written);
  ~Writers();
  Writers(const Writers&) = delete;
  Writers& operator=(const Writers&) = delete;

  // After the queue was closed: waits until everything in it is written.
  void join();

 private:
  void work(store::Store& store);

  std::vector<std::unique_ptr<store::Store>> stores_;
  batch::BatchQueue& queue_;
  stats::Block& stats_;
  const std::function<void(batch::Batch)> on_written_;
  std::vector<std::thread> threads_;
};

}  // namespace txindex::process
