// The loop's part of a transaction's way in: parse, check, gather into parcels, hand over.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
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
    // So many signatures are judged side by side, and fewer cost as much: a parcel that would leave
    // more than an eighth of the lanes empty waits, until its first was received so long ago.
    std::size_t lanes = 1;
    std::int64_t gather_us = 0;
  };
  // Takes the parcel, or leaves it and returns false when there is no room; Intake then holds the
  // gate until room() is called.
  using Offer = std::function<bool(flow::ParcelPtr&)>;
  // Must arrange for hand_over() to be called when the loop has done what it can do just now.
  using Schedule = std::function<void()>;
  // Must arrange for gathered() to be called at this time, of the clock of
  // net::ReadTime::steady_us; at once if it is past.
  using ScheduleAt = std::function<void(std::int64_t)>;

  Intake(const Options& options, flow::Gate& gate, Offer offer, Schedule schedule,
         ScheduleAt schedule_at);

  void receive(flow::Ticket ticket, const wire::TxFrame& tx, const net::ReadTime& time) override;

  void hand_over();
  void gathered();
  void room();
  // Takes back a parcel whose tickets are all completed, for its memory.
  void recycle(flow::ParcelPtr parcel);

 private:
  void hand_over_open();
  void gather();

  const Options options_;
  flow::Gate& gate_;
  const Offer offer_;
  const Schedule schedule_;
  const ScheduleAt schedule_at_;
  flow::ParcelPtr open_;
  bool scheduled_ = false;
  std::optional<std::int64_t> gather_until_us_;  // gathered() will be called
  std::deque<flow::ParcelPtr> refused_;  // while the gate is held: what was read before that
  std::vector<flow::ParcelPtr> free_;
};

}  // namespace txindex::process
