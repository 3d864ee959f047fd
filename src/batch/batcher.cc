#include "batch/batcher.h"

namespace txindex::batch {

void Batcher::add(flow::ParcelPtr parcel, Time now) {
  rows_ += parcel->size();
  bytes_ += parcel->bytes;
  waiting_.push_back({std::move(parcel), now});
}

std::optional<Time> Batcher::due() const {
  if (waiting_.empty()) return std::nullopt;
  const Time oldest = waiting_.front().since;
  if (rows_ >= options_.max_rows || bytes_ >= options_.max_bytes) return oldest;
  return oldest + options_.linger;
}

Batch Batcher::take() {
  Batch batch;
  std::size_t rows = 0;
  std::size_t bytes = 0;
  while (!waiting_.empty()) {
    const auto& next = *waiting_.front().parcel;
    if (!batch.empty() &&
        (rows + next.size() > options_.max_rows || bytes + next.bytes > options_.max_bytes)) {
      break;
    }
    rows += next.size();
    bytes += next.bytes;
    batch.push_back(std::move(waiting_.front().parcel));
    waiting_.pop_front();
  }
  rows_ -= rows;
  bytes_ -= bytes;
  return batch;
}

}  // namespace txindex::batch
