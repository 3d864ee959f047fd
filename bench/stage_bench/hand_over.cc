// Hand-over between threads, by the worker's own queues and threads, which have nothing else to do:
// the parcels' transactions have no signature, and none reaches the store.
//
//   loop -> verify thread -> loop                   "threads, ..."
//   loop -> verify thread -> writer -> loop         "threads with writer, ..."
//
// Some parcels go round and round, fewer than the queue holds, so that every thread has work most
// of the time. A parcel that is alone has to wake each of them.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <memory>

#include "batch/batch_queue.h"
#include "process/writers.h"
#include "stage_bench/measure.h"
#include "stages/input.h"
#include "verify/verify_pool.h"

namespace txindex::bench {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kQueueParcels = 16;  // as a worker has for each of its threads

class NoStore final : public store::Store {
 public:
  bool write(std::span<store::Row>) override { return true; }
  void stop() override {}
};

flow::ParcelPtr parcel_of(std::size_t size) {
  auto parcel = std::make_unique<flow::Parcel>();
  for (std::size_t i = 0; i < size; ++i) {
    parcel->items.push_back(completed_item());
    parcel->table.transactions.emplace_back();
  }
  return parcel;
}

struct Case {
  std::string name;
  bool with_writer;
  std::size_t parcel_size;
  std::size_t parcels = 12;
};

class HandOver {
 public:
  explicit HandOver(const Case& what)
      : with_writer_(what.with_writer),
        pool_(
            {.threads = 1, .queue_parcels = kQueueParcels}, stats_,
            [this](flow::ParcelPtr parcel) { verified(std::move(parcel)); }, [] {}) {
    for (std::size_t i = 0; i < what.parcels; ++i)
      home_.push_back(parcel_of(what.parcel_size));
    if (!with_writer_) return;
    std::vector<std::unique_ptr<store::Store>> stores;
    stores.push_back(std::make_unique<NoStore>());
    writers_ = std::make_unique<process::Writers>(
        std::move(stores), batches_, stats_, [this](batch::Batch batch) {
          asio::post(loop_, [this, done = std::move(batch)]() mutable {
            for (auto& parcel : done)
              home_.push_back(std::move(parcel));
          });
        });
  }

  ~HandOver() {
    pool_.stop();
    batches_.close();
    writers_.reset();
  }

  // The next one that comes home, once all are on their way.
  Work next() {
    std::size_t transactions = 0;
    for (auto& parcel : home_) {
      transactions += parcel->size();
      require(pool_.offer(parcel), "the queue is full");
    }
    home_.clear();
    while (home_.empty())
      loop_.run_one();
    return {transactions, 0};
  }

 private:
  void verified(flow::ParcelPtr parcel) {
    if (with_writer_) return batches_.push(std::move(parcel));
    asio::post(loop_,
               [this, done = std::move(parcel)]() mutable { home_.push_back(std::move(done)); });
  }

  const bool with_writer_;
  stats::Block stats_{};
  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(loop_);
  std::vector<flow::ParcelPtr> home_;
  batch::BatchQueue batches_{{.max_rows = 2000, .max_bytes = 1 << 20, .linger = {}}, 4000, stats_};
  std::unique_ptr<process::Writers> writers_;
  verify::VerifyPool pool_;
};

}  // namespace

void register_hand_over() {
  for (const Case& what : {Case{"threads, 1 a parcel", false, 1},
                           {"threads, 16 a parcel", false, 16},
                           {"threads, 256 a parcel", false, 256},
                           {"threads, one parcel of 1", false, 1, 1},
                           {"threads with writer, 1 a parcel", true, 1},
                           {"threads with writer, 16 a parcel", true, 16},
                           {"threads with writer, 256 a parcel", true, 256}}) {
    benchmark::RegisterBenchmark(what.name.c_str(), [what](benchmark::State& state) {
      HandOver hand_over(what);
      measure(state, [&] { return hand_over.next(); });
    })->UseRealTime();
  }
}

}  // namespace txindex::bench
