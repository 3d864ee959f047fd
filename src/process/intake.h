// The loop's part of a transaction's way in: parse, check, gather into parcels, hand over.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "flow/gate.h"
#include "flow/parcel.h"
#include "net/receiver.h"

namespace txindex::process {

// Loop thread only.
class Intake final : public net::Receiver {
 public:
  struct Options {
    std::int64_t max_future_us;
    std::int64_t max_age_us;
    // Of a parcel: no more than of a batch, which is made of whole parcels.
    std::size_t max_rows;
    std::size_t max_bytes;
  };
  // Takes the parcel, or leaves it and returns false when there is no room; Intake then holds the
  // gate until room() is called.
  using Offer = std::function<bool(flow::ParcelPtr&)>;
  // Must arrange for hand_over() to be called when the loop has done what it can do just now.
  using Schedule = std::function<void()>;

  Intake(const Options& options, flow::Gate& gate, Offer offer, Schedule schedule);

  void receive(flow::Ticket ticket, const wire::TxFrame& tx, const net::ReadTime& time) override;

  void hand_over();
  void room();
  // Takes back a parcel whose tickets are all completed, for its memory.
  void recycle(flow::ParcelPtr parcel);

 private:
  void hand_over_open();

  const Options options_;
  flow::Gate& gate_;
  const Offer offer_;
  const Schedule schedule_;
  flow::ParcelPtr open_;
  bool scheduled_ = false;
  std::deque<flow::ParcelPtr> refused_;  // while the gate is held: what was read before that
  std::vector<flow::ParcelPtr> free_;
};

}  // namespace txindex::process
