// All that the loop does for a transaction, but for sockets and hand-over: frames, tickets, time
// and size, parsing, parcels, and, when they are back, outcomes and acknowledgements. And the
// queues between the threads, by one thread that puts in and takes out.
#include <algorithm>
#include <cstring>
#include <memory>

#include "batch/batch_queue.h"
#include "net/ack_tracker.h"
#include "net/frame_buffer.h"
#include "process/batch_rows.h"
#include "process/intake.h"
#include "stages/input.h"
#include "stages/stage.h"
#include "verify/offer_queue.h"

namespace txindex::bench {
namespace {

constexpr std::size_t kBatchRows = 2000;  // batch.max_rows

class Loop final : public flow::Sink {
 public:
  explicit Loop(wire::Buffer bytes)
      : bytes_(std::move(bytes)),
        intake_(
            {.max_future_us = 1, .max_age_us = 1, .max_rows = kBatchRows, .max_bytes = 1 << 20},
            parts_.gate,
            [this](flow::ParcelPtr& parcel) {
              parcels_.push_back(std::move(parcel));
              return true;
            },
            [] {}, [](std::int64_t) {}) {}

  Work turn() {
    done_ = {};
    for (std::size_t at = 0; at < bytes_.size();) {
      buffer_.move_to(parts_.chunks.get(limits::kLargeChunkBytes, false));
      const auto space = buffer_.space();
      const std::size_t count = std::min(space.size(), bytes_.size() - at);
      std::memcpy(space.data(), bytes_.data() + at, count);
      buffer_.filled(count);
      at += count;
      receive();
      intake_.hand_over();
    }
    for (auto& parcel : parcels_) {
      process::complete(*parcel, /*now_steady_us=*/100, parts_.stats);
      intake_.recycle(std::move(parcel));
    }
    parcels_.clear();
    buffer_.drop_chunk_if_idle();
    out_.clear();
    acks_.write(out_);
    require(acks_.unacknowledged() == 0, "a transaction is not acknowledged");
    return done_;
  }

  void complete(const flow::Completion& completion) override {
    require(completion.outcome == wire::Outcome::committed, "a transaction is rejected");
    acks_.complete(completion.sequence, completion.outcome);
    ++done_.transactions;
    done_.bytes += completion.bytes;
  }

 private:
  void receive() {
    net::FrameBuffer::Frame frame;
    while (buffer_.next_frame(frame) == net::FrameBuffer::Status::whole) {
      const auto tx = wire::parse_tx(frame.body);
      require(tx.has_value(), "a TX frame does not parse");
      intake_.receive(flow::Ticket(*this, acks_.receive(), tx->transaction.size(), buffer_.chunk()),
                      *tx, {.wall_us = kTime, .steady_us = 0});
    }
  }

  LoopParts parts_;
  const wire::Buffer bytes_;
  process::Intake intake_;
  net::FrameBuffer buffer_;
  net::AckTracker acks_;
  std::vector<flow::ParcelPtr> parcels_;
  wire::Buffer out_;
  Work done_;
};

// One transaction a parcel: what is done for each parcel is seen.
class Queues {
 public:
  Queues() {
    for (std::size_t i = 0; i < kParcels; ++i) {
      waiting_.push_back(std::make_unique<flow::Parcel>());
      waiting_.back()->items.push_back(completed_item());
    }
  }

  Work pass() {
    for (auto& parcel : waiting_)
      require(offered_.offer(parcel), "the queue is full");
    waiting_.clear();
    while (auto parcel = offered_.take_if_any())
      require(batches_.try_push(*parcel, batch::Time(), batch::Time()), "the batch queue is full");
    while (true) {
      batch::Batch batch = batches_.try_take(batch::Time() + std::chrono::hours(1));
      if (batch.empty()) break;
      batches_.settled();
      for (auto& parcel : batch)
        waiting_.push_back(std::move(parcel));
    }
    require(waiting_.size() == kParcels, "a parcel is lost");
    return {kParcels, 0};
  }

 private:
  static constexpr std::size_t kParcels = 64;
  stats::Block stats_{};
  verify::OfferQueue offered_{kParcels, stats_, [] {}};
  batch::BatchQueue batches_{
      {.max_rows = kBatchRows, .max_bytes = 1 << 20, .linger = {}}, kBatchRows, stats_};
  std::vector<flow::ParcelPtr> waiting_;
};

}  // namespace

std::vector<Stage> loop_stages() {
  std::vector<Stage> stages;
  for (const auto& [of, name] : {std::pair(Of::transfers, "transfers"), {Of::mixed, "mixed"}}) {
    auto loop = std::make_shared<Loop>(frames(of));
    require(loop->turn().transactions == kTransactions, "a transaction is lost");
    stages.push_back({std::string("loop, ") + name, [loop] { return loop->turn(); }});
  }
  return stages;
}

std::vector<Stage> queue_stages() {
  auto queues = std::make_shared<Queues>();
  return {{"queues, for each parcel", [queues] { return queues->pass(); }}};
}

}  // namespace txindex::bench
