#include "process/writers.h"

#include <chrono>

#include "process/batch_rows.h"

namespace txindex::process {
namespace {

constexpr std::chrono::seconds kLookAfter{1};

}  // namespace

Writers::Writers(std::vector<std::unique_ptr<store::Store>> stores, batch::BatchQueue& queue,
                 stats::Block& stats, std::function<void(batch::Batch)> on_written)
    : stores_(std::move(stores)),
      queue_(queue),
      stats_(stats),
      on_written_(std::move(on_written)),
      running_(static_cast<int>(stores_.size())) {
  for (auto& store : stores_) {
    threads_.emplace_back([this, &store] {
      work(*store);
      count(-1, 0);
    });
  }
}

Writers::~Writers() {
  for (auto& thread : threads_)
    thread.join();
}

bool Writers::finish(std::chrono::milliseconds grace) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return running_ == looking_ && queue_.rows() == 0; });
  return changed_.wait_for(lock, grace, [this] { return running_ == 0; });
}

void Writers::count(int running, int looking) {
  const std::lock_guard lock(mutex_);
  running_ += running;
  looking_ += looking;
  changed_.notify_all();
}

void Writers::work(store::Store& store) {
  BatchRows rows;
  for (;;) {
    auto batch = queue_.take(kLookAfter);
    if (!batch) {
      count(0, 1);
      store.look_after();
      count(0, -1);
      continue;
    }
    if (batch->empty()) return;
    if (const auto to_write = rows.collect(*batch); !to_write.empty()) {
      stats::add(stats_, stats::Word::writers_busy);
      if (!store.write(to_write)) return;  // stopped with work to do: the tickets say so
      stats::subtract(stats_, stats::Word::writers_busy);
      rows.hand_back();
    }
    on_written_(*std::move(batch));
    queue_.settled();
  }
}

}  // namespace txindex::process
