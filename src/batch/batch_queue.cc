#include "batch/batch_queue.h"

#include <cassert>

namespace txindex::batch {

void BatchQueue::publish_depth() {
  stats::set(stats_, stats::Word::batch_queue, batcher_.rows());
  stats::raise(stats_, stats::Word::batch_queue_high, batcher_.rows());
}

void BatchQueue::push(flow::ParcelPtr parcel) {
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return batcher_.rows() < capacity_rows_ || closed_; });
    assert(!closed_ && "the verify pool stops before the batch queue closes");
    batcher_.add(std::move(parcel), std::chrono::steady_clock::now());
    publish_depth();
  }
  due_.notify_one();
}

Batch BatchQueue::take() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto due = batcher_.due();
    if (due && (closed_ || *due <= std::chrono::steady_clock::now())) break;
    if (!due && closed_) return {};
    if (due) {
      due_.wait_until(lock, *due);
    } else {
      due_.wait(lock);
    }
  }
  Batch batch = batcher_.take();
  publish_depth();
  // What is left may be due as well, and this writer will be busy for a while.
  const bool more = !batcher_.empty();
  lock.unlock();
  room_.notify_all();
  if (more) due_.notify_one();
  return batch;
}

void BatchQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  due_.notify_all();
  room_.notify_all();
}

}  // namespace txindex::batch
