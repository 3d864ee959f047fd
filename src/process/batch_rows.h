// A batch on its way to the store and back: which of its items are rows, and what became of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "batch/batcher.h"
#include "stats/block.h"
#include "store/store.h"

namespace txindex::process {

// Used again for one batch after the other, for its memory. One thread.
class BatchRows {
 public:
  // The rows of the batch that nothing speaks against so far, good while the batch is.
  std::span<store::Row> collect(batch::Batch& batch);
  // Gives the items of that batch the outcomes of their rows.
  void hand_back();

 private:
  std::vector<store::Row> rows_;
  std::vector<flow::Item*> items_;
};

// Completes every ticket of a parcel that has come back, each item with its final outcome. On the
// loop's thread.
void complete(flow::Parcel& parcel, std::int64_t now_steady_us, stats::Block& stats);

}  // namespace txindex::process
