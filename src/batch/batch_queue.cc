#include "batch/batch_queue.h"

#include <cassert>

namespace txindex::batch {

void BatchQueue::publish_depth() {
  stats::set(stats_, stats::Word::batch_queue, batcher_.rows());
  stats::raise(stats_, stats::Word::batch_queue_high, batcher_.rows());
}

// True if a writer must be woken: nobody waits for a batch, or for one so early. Else one waits
// until what was there is due, or all are busy and look when they come back.
bool BatchQueue::add(flow::ParcelPtr parcel, Time since, Time now) {
  assert(!closed_ && "the verify pool stops before the batch queue closes");
  const auto before = batcher_.due();
  batcher_.add(std::move(parcel), since, now);
  publish_depth();
  return !before || *batcher_.due() < *before;
}

bool BatchQueue::is_due(Time now) const {
  const auto due = batcher_.due();
  return due && (closed_ || *due <= now);
}

void BatchQueue::push(flow::ParcelPtr parcel) {
  bool wake = false;
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return has_room() || closed_; });
    const Time since{std::chrono::microseconds(parcel->items.front().received_steady_us)};
    wake = add(std::move(parcel), since, std::chrono::steady_clock::now());
  }
  if (wake) due_.notify_one();
}

bool BatchQueue::try_push(flow::ParcelPtr& parcel, Time since, Time now) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (!has_room()) return false;
    wake = add(std::move(parcel), since, now);
  }
  if (wake) due_.notify_one();
  return true;
}

// Who waits for what is there does not leave it: nobody else was woken for it.
std::optional<Batch> BatchQueue::take(std::chrono::milliseconds idle) {
  std::unique_lock lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + idle;
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    if (is_due(now)) return take_due(std::move(lock));
    const auto due = batcher_.due();
    if (!due && closed_) return Batch();
    if (!due && now >= until) return std::nullopt;
    due_.wait_until(lock, due.value_or(until));
  }
}

void BatchQueue::settled() {
  const std::lock_guard lock(mutex_);
  batcher_.settled();
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
