#include "process/intake.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "txindex/chain/codec.h"

namespace txindex::process {
namespace {

// Parcels kept for the memory of their columns.
constexpr std::size_t kFreeParcelsMax = 64;

bool fills_lanes(std::size_t rows, std::size_t lanes) {
  const std::size_t taken = (rows + lanes - 1) / lanes * lanes;
  return 8 * (taken - rows) <= taken;
}

}  // namespace

Intake::Intake(const Options& options, flow::Gate& gate, Offer offer, Schedule schedule,
               ScheduleAt schedule_at)
    : options_(options),
      gate_(gate),
      offer_(std::move(offer)),
      schedule_(std::move(schedule)),
      schedule_at_(std::move(schedule_at)),
      open_(std::make_unique<flow::Parcel>()) {}

void Intake::receive(flow::Ticket ticket, const wire::TxFrame& tx, const net::ReadTime& time) {
  const chain::Codec* codec = chain::find_codec(tx.chain);
  if (codec == nullptr) {
    return ticket.complete(wire::Outcome::unsupported, "this chain is not known here");
  }
  if (tx.transaction.size() > codec->max_transaction_bytes()) {
    return ticket.complete(wire::Outcome::too_large, "larger than the chain allows");
  }
  const std::int64_t stamp = tx.time_us.value_or(time.wall_us);
  if (stamp > time.wall_us + options_.max_future_us) {
    return ticket.complete(wire::Outcome::time_out_of_range, "its time is too far ahead");
  }
  if (stamp < time.wall_us - options_.max_age_us) {
    return ticket.complete(wire::Outcome::time_out_of_range, "its time is too far back");
  }
  if (tx.slot && *tx.slot > std::numeric_limits<std::int64_t>::max()) {
    return ticket.complete(wire::Outcome::malformed, "its slot is over 2^63 - 1");
  }
  if (auto parsed = codec->parse(tx.transaction, open_->table); !parsed) {
    return ticket.complete(parsed.error().outcome, parsed.error().detail);
  }
  open_->bytes += tx.transaction.size();
  open_->items.push_back({.ticket = std::move(ticket),
                          .codec = codec,
                          .time_us = stamp,
                          .received_wall_us = time.wall_us,
                          .received_steady_us = time.steady_us,
                          .slot = tx.slot.value_or(0),
                          .has_slot = tx.slot.has_value()});
  // Full also when one more of the largest size might not fit.
  if (open_->size() >= std::min(options_.max_rows, limits::kParcelMaxTransactions) ||
      open_->bytes + limits::kTransactionMaxBytes > options_.max_bytes) {
    return hand_over_open();
  }
  if (!scheduled_) {
    scheduled_ = true;
    schedule_();
  }
}

void Intake::hand_over() {
  scheduled_ = false;
  if (open_->empty()) return;
  if (fills_lanes(open_->size(), options_.lanes)) return hand_over_open();
  if (!gather_until_us_) gather();
}

void Intake::gather() {
  gather_until_us_ = open_->items.front().received_steady_us + options_.gather_us;
  schedule_at_(*gather_until_us_);
}

void Intake::gathered() {
  const std::int64_t now_us = *std::exchange(gather_until_us_, std::nullopt);
  if (open_->empty()) return;
  // The parcel that this was about may have gone, and another begun.
  if (open_->items.front().received_steady_us + options_.gather_us > now_us) return gather();
  hand_over_open();
}

void Intake::hand_over_open() {
  // What was refused before goes first: nothing may wait for ever behind newer work.
  if (!refused_.empty() || !offer_(open_)) {
    refused_.push_back(std::move(open_));
    gate_.hold();
  }
  if (free_.empty()) {
    open_ = std::make_unique<flow::Parcel>();
  } else {
    open_ = std::move(free_.back());
    free_.pop_back();
  }
}

void Intake::room() {
  while (!refused_.empty()) {
    if (!offer_(refused_.front())) return;
    refused_.pop_front();
  }
  if (gate_.held()) gate_.release();
}

void Intake::recycle(flow::ParcelPtr parcel) {
  parcel->clear();
  if (free_.size() < kFreeParcelsMax) free_.push_back(std::move(parcel));
}

}  // namespace txindex::process
