#include "verify/offer_queue.h"

namespace txindex::verify {

OfferQueue::OfferQueue(std::size_t capacity_parcels, stats::Block& stats,
                       std::function<void()> on_room)
    : stats_(stats), on_room_(std::move(on_room)), queue_(capacity_parcels) {
  stats::set(stats_, stats::Word::verify_queue, 0);
}

bool OfferQueue::offer(flow::ParcelPtr& parcel) {
  // Before the attempt: a verify thread that makes room after a refusal must see the flag.
  refused_.store(true);
  if (!queue_.try_push(parcel)) return false;
  refused_.store(false);
  const std::size_t depth = queue_.size();
  stats::set(stats_, stats::Word::verify_queue, depth);
  stats::raise(stats_, stats::Word::verify_queue_high, depth);
  return true;
}

std::optional<flow::ParcelPtr> OfferQueue::take() {
  return taken(queue_.pop());
}

std::optional<flow::ParcelPtr> OfferQueue::take_if_any() {
  return taken(queue_.try_pop());
}

std::optional<flow::ParcelPtr> OfferQueue::taken(std::optional<flow::ParcelPtr> parcel) {
  if (!parcel) return parcel;
  stats::set(stats_, stats::Word::verify_queue, queue_.size());
  if (refused_.exchange(false)) on_room_();
  return parcel;
}

}  // namespace txindex::verify
