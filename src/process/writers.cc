#include "process/writers.h"

#include "flow/clock.h"

namespace txindex::process {
namespace {

// The rows of a batch that nothing speaks against so far, and where their outcomes belong.
void collect(batch::Batch& batch, std::vector<store::Row>& rows, std::vector<flow::Item*>& items) {
  rows.clear();
  items.clear();
  for (auto& parcel : batch) {
    for (std::size_t i = 0; i < parcel->size(); ++i) {
      flow::Item& item = parcel->items[i];
      if (item.outcome != wire::Outcome::committed) continue;
      rows.push_back({.table = &parcel->table,
                      .transaction = &parcel->table.transactions[i],
                      .time_us = item.time_us,
                      .received_us = item.received_wall_us,
                      .slot = item.slot,
                      .has_slot = item.has_slot});
      items.push_back(&item);
    }
  }
}

}  // namespace

Writers::Writers(std::vector<std::unique_ptr<store::Store>> stores, batch::BatchQueue& queue,
                 stats::Block& stats, std::function<void(batch::Batch)> on_written)
    : stores_(std::move(stores)), queue_(queue), stats_(stats), on_written_(std::move(on_written)) {
  stats::set(stats_, stats::Word::writers, stores_.size());
  stats::set(stats_, stats::Word::writers_busy, 0);
  for (auto& store : stores_)
    threads_.emplace_back([this, &store] { work(*store); });
}

Writers::~Writers() {
  join();
}

void Writers::join() {
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Writers::work(store::Store& store) {
  std::vector<store::Row> rows;
  std::vector<flow::Item*> items;
  for (;;) {
    batch::Batch batch = queue_.take();
    if (batch.empty()) return;
    collect(batch, rows, items);
    if (!rows.empty()) {
      stats::add(stats_, stats::Word::writers_busy);
      if (!store.write(rows)) return;  // stopped with work to do: the tickets say so
      stats::subtract(stats_, stats::Word::writers_busy);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        items[i]->outcome = rows[i].outcome;
        if (rows[i].outcome == wire::Outcome::refused_by_database) {
          items[i]->detail = "PostgreSQL refuses this row; the server's log says why";
        }
      }
    }
    on_written_(std::move(batch));
  }
}

}  // namespace txindex::process
