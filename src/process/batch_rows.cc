#include "process/batch_rows.h"

#include "flow/test_switches.h"

namespace txindex::process {

std::span<store::Row> BatchRows::collect(batch::Batch& batch) {
  rows_.clear();
  items_.clear();
  for (auto& parcel : batch) {
    for (std::size_t i = 0; i < parcel->size(); ++i) {
      flow::Item& item = parcel->items[i];
      if (item.outcome != wire::Outcome::committed) continue;
      rows_.push_back({.table = &parcel->table,
                       .transaction = &parcel->table.transactions[i],
                       .time_us = item.time_us,
                       .received_us = item.received_wall_us,
                       .slot = item.slot,
                       .has_slot = item.has_slot});
      items_.push_back(&item);
    }
  }
  return rows_;
}

void BatchRows::hand_back() {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    items_[i]->outcome = rows_[i].outcome;
    if (rows_[i].outcome == wire::Outcome::refused_by_database) {
      items_[i]->detail = "PostgreSQL refuses this row; the server's log says why";
    }
  }
}

void complete(flow::Parcel& parcel, std::int64_t now_steady_us, stats::Block& stats) {
  for (std::size_t i = 0; i < parcel.size(); ++i) {
    flow::Item& item = parcel.items[i];
    if (flow::broken(flow::Promise::ticket_kept)) continue;
    if (flow::broken(flow::Promise::ticket_completed)) {
      [[maybe_unused]] const auto* lost = new flow::Ticket(std::move(item.ticket));
      continue;
    }
    stats::record(stats, stats::Timing::receive_to_ack,
                  static_cast<std::uint64_t>(now_steady_us - item.received_steady_us));
    item.ticket.complete(item.outcome, item.detail, parcel.table.transactions[i].txid);
  }
}

}  // namespace txindex::process
