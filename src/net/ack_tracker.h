// Which TX frames of a connection have their outcome, and what the next ACK says. No I/O.
//
// Outcomes arrive in any order; an ACK speaks of a prefix. One byte is kept for each sequence
// number between the last acknowledged and the last received, in a ring that grows with the number
// unacknowledged at once.
#pragma once

#include <cstdint>
#include <vector>

#include "txindex/wire/ack.h"

namespace txindex::net {

class AckTracker {
 public:
  // The number of the next TX frame, from 1.
  std::uint64_t receive();
  void complete(std::uint64_t sequence, wire::Outcome outcome);

  // Appends ACK frames for every outcome that can be told and was not; false if there is none.
  bool write(wire::Buffer& out);

  // Appends an ACK that says nothing new.
  void repeat(wire::Buffer& out) const;

  std::uint64_t unacknowledged() const { return received_ - acknowledged_; }

 private:
  static constexpr std::uint8_t kPending = 0xff;

  std::uint8_t& slot(std::uint64_t sequence) { return ring_[sequence & (ring_.size() - 1)]; }
  void grow();

  std::uint64_t received_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::vector<std::uint8_t> ring_ = std::vector<std::uint8_t>(64);
};

}  // namespace txindex::net
