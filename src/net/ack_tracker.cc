#include "net/ack_tracker.h"

#include <cassert>

namespace txindex::net {

std::uint64_t AckTracker::receive() {
  if (unacknowledged() == ring_.size()) grow();
  ++received_;
  slot(received_) = kPending;
  return received_;
}

void AckTracker::grow() {
  std::vector<std::uint8_t> old(ring_.size() * 2);
  old.swap(ring_);
  for (std::uint64_t s = acknowledged_ + 1; s <= received_; ++s) {
    slot(s) = old[s & (old.size() - 1)];
  }
}

void AckTracker::complete(std::uint64_t sequence, wire::Outcome outcome) {
  assert(sequence > acknowledged_ && sequence <= received_ && slot(sequence) == kPending);
  slot(sequence) = static_cast<std::uint8_t>(outcome);
}

bool AckTracker::write(wire::Buffer& out) {
  if (received_ == acknowledged_ || slot(acknowledged_ + 1) == kPending) return false;
  while (received_ != acknowledged_ && slot(acknowledged_ + 1) != kPending) {
    wire::AckWriter ack(out);
    while (received_ != acknowledged_ && !ack.full()) {
      const std::uint8_t outcome = slot(acknowledged_ + 1);
      if (outcome == kPending) break;
      ++acknowledged_;
      if (outcome != 0) ack.exception(acknowledged_, static_cast<wire::Outcome>(outcome));
    }
    ack.finish(acknowledged_);
  }
  return true;
}

void AckTracker::repeat(wire::Buffer& out) const {
  wire::AckWriter(out).finish(acknowledged_);
}

}  // namespace txindex::net
