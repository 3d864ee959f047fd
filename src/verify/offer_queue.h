// The queue in front of the verify threads. The loop never waits for them: it offers a parcel, and
// who was turned away is told once when there is room again.
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "flow/bounded_queue.h"
#include "flow/parcel.h"
#include "stats/block.h"

namespace txindex::verify {

class OfferQueue {
 public:
  // `on_room` is called by who takes, once after each refused offer, when there is room.
  OfferQueue(std::size_t capacity_parcels, stats::Block& stats, std::function<void()> on_room);

  // False, and the parcel still the caller's, when the queue is full. One thread.
  bool offer(flow::ParcelPtr& parcel);
  // Waits. nullopt: closed, and everything that was accepted has been taken. Any thread.
  std::optional<flow::ParcelPtr> take();
  // Does not wait. nullopt: there is none just now.
  std::optional<flow::ParcelPtr> take_if_any();

  void close() { queue_.close(); }
  bool empty() const { return queue_.size() == 0; }

 private:
  std::optional<flow::ParcelPtr> taken(std::optional<flow::ParcelPtr> parcel);

  stats::Block& stats_;
  const std::function<void()> on_room_;
  flow::BoundedQueue<flow::ParcelPtr> queue_;
  std::atomic<bool> refused_ = false;
};

}  // namespace txindex::verify
