#include "batch/batcher.h"

#include <algorithm>
#include <cassert>

namespace txindex::batch {

constexpr int kLateShare = 8;  // an eighth

void Batcher::add(flow::ParcelPtr parcel, Time since, Time now) {
  rows_ += parcel->size();
  bytes_ += parcel->bytes;
  const Time::duration late_linger =
      std::min<Time::duration>((now - since) / kLateShare, options_.late_linger_max);
  waiting_.push_back({std::move(parcel), since, now + late_linger});
}

std::optional<Time> Batcher::due() const {
  if (waiting_.empty()) return std::nullopt;
  const auto& oldest = waiting_.front();
  if (rows_ >= options_.max_rows || bytes_ >= options_.max_bytes) return oldest.since;
  return std::max(oldest.since + linger(), oldest.late_until);
}

std::chrono::microseconds Batcher::linger() const {
  if (under_way_ > 0)
    return rows_ < options_.beside_rows ? options_.beside_linger : options_.linger;
  const bool crowd = rows_ >= options_.crowd_rows && rows_ < options_.many_rows;
  return crowd ? options_.long_linger : options_.linger;
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
  if (!batch.empty()) ++under_way_;
  return batch;
}

void Batcher::settled() {
  assert(under_way_ > 0);
  --under_way_;
}

}  // namespace txindex::batch
