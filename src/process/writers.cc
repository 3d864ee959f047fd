#include "process/writers.h"

#include <chrono>

#include "process/batch_rows.h"

namespace txindex::process {
namespace {

constexpr std::chrono::seconds kLookAfter{1};

}  // namespace

Writers::Writers(std::vector<std::unique_ptr<store::Store>> stores, batch::BatchQueue& queue,
                 stats::Block& stats, std::function<void(batch::Batch)> on_written)
    : stores_(std::move(stores)), queue_(queue), stats_(stats), on_written_(std::move(on_written)) {
  for (auto& store : stores_)
    threads_.emplace_back([this, &store] { work(*store); });
}

Writers::~Writers() {
  join();
}

void Writers::join() {
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Writers::work(store::Store& store) {
  BatchRows rows;
  for (;;) {
    while (!queue_.wait(kLookAfter))
      store.look_after();
    batch::Batch batch = queue_.take();
    if (batch.empty()) return;
    if (const auto to_write = rows.collect(batch); !to_write.empty()) {
      stats::add(stats_, stats::Word::writers_busy);
      if (!store.write(to_write)) return;  // stopped with work to do: the tickets say so
      stats::subtract(stats_, stats::Word::writers_busy);
      rows.hand_back();
    }
    on_written_(std::move(batch));
    queue_.settled();
  }
}

}  // namespace txindex::process
