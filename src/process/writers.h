// The writer threads of a worker: each takes batches from the queue and gives them to its store.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
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

  // After the queue was closed: waits until everything in it is written, and for `grace` until the
  // threads have ended. False: one of them still looks after its connection, because the database
  // does not answer. It has no batch, and need not be waited for by a process that ends.
  bool finish(std::chrono::milliseconds grace);

 private:
  void work(store::Store& store);
  void count(int running, int looking);

  std::vector<std::unique_ptr<store::Store>> stores_;
  batch::BatchQueue& queue_;
  stats::Block& stats_;
  const std::function<void(batch::Batch)> on_written_;

  std::mutex mutex_;
  std::condition_variable changed_;
  int running_ = 0;  // threads
  int looking_ = 0;  // of them, after their connections
  std::vector<std::thread> threads_;
};

}  // namespace txindex::process
