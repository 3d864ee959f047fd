#include "batch/batch_queue.h"

#include <cassert>

namespace txindex::batch {

void BatchQueue::publish_depth() {
  stats::set(stats_, stats::Word::batch_queue, batcher_.rows());
  stats::raise(stats_, stats::Word::batch_queue_high, batcher_.rows());
}

void BatchQueue::add(flow::ParcelPtr parcel, Time now) {
  assert(!closed_ && "the verify pool stops before the batch queue closes");
  batcher_.add(std::move(parcel), now);
  publish_depth();
}

bool BatchQueue::is_due(Time now) const {
  const auto due = batcher_.due();
  return due && (closed_ || *due <= now);
}

void BatchQueue::push(flow::ParcelPtr parcel) {
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return has_room() || closed_; });
    add(std::move(parcel), std::chrono::steady_clock::now());
  }
  due_.notify_one();
}

bool BatchQueue::try_push(flow::ParcelPtr& parcel, Time now) {
  {
    const std::lock_guard lock(mutex_);
    if (!has_room()) return false;
    add(std::move(parcel), now);
  }
  due_.notify_one();
  return true;
}

Batch BatchQueue::take() {
  std::unique_lock lock(mutex_);
  while (!is_due(std::chrono::steady_clock::now())) {
    const auto due = batcher_.due();
    if (!due && closed_) return {};
    if (due) {
      due_.wait_until(lock, *due);
    } else {
      due_.wait(lock);
    }
  }
  return take_due(std::move(lock));
}

Batch BatchQueue::try_take(Time now) {
  std::unique_lock lock(mutex_);
  return is_due(now) ? take_due(std::move(lock)) : Batch();
}

Batch BatchQueue::take_due(std::unique_lock<std::mutex> lock) {
  Batch batch = batcher_.take();
  publish_depth();
  // What is left may be due as well, and this writer will be busy for a while.
  const bool more = !batcher_.empty();
  lock.unlock();
  room_.notify_all();
  if (more) due_.notify_one();
  return batch;
}

std::optional<Time> BatchQueue::due() {
  const std::lock_guard lock(mutex_);
  return batcher_.due();
}

std::size_t BatchQueue::rows() {
  const std::lock_guard lock(mutex_);
  return batcher_.rows();
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
