// The verify threads of a worker. The loop never waits for them: it offers a parcel, and is told
// when there is room again.
#pragma once

#include <functional>
#include <span>
#include <thread>
#include <vector>

#include "flow/parcel.h"
#include "stats/block.h"
#include "verify/offer_queue.h"
#include "verify/signature.h"

namespace txindex::verify {

// Marks the items whose signatures do not verify. The whole work of the stage; any thread. `batch`
// is for its use: the thread's own, and empty. Returns how many signatures were checked.
std::size_t verify(std::span<const flow::ParcelPtr> parcels, SignatureBatch& batch);

class VerifyPool {
 public:
  struct Options {
    int threads;
    std::size_t queue_parcels;
  };
  // `on_verified` gets every parcel, on a verify thread, and may wait. `on_room` is called on a
  // verify thread, once after each refused offer, when there is room.
  VerifyPool(const Options& options, stats::Block& stats,
             std::function<void(flow::ParcelPtr)> on_verified, std::function<void()> on_room);
  ~VerifyPool();
  VerifyPool(const VerifyPool&) = delete;
  VerifyPool& operator=(const VerifyPool&) = delete;

  // False, and the parcel still the caller's, when the queue is full.
  bool offer(flow::ParcelPtr& parcel) { return queue_.offer(parcel); }

  // Verifies what was accepted, then ends the threads.
  void stop();

 private:
  void work();
  bool take(std::vector<flow::ParcelPtr>& parcels);

  stats::Block& stats_;
  const std::function<void(flow::ParcelPtr)> on_verified_;
  OfferQueue queue_;
  std::vector<std::thread> threads_;
};

}  // namespace txindex::verify
