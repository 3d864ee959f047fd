#include "admin/reading.h"

#include <algorithm>
#include <cassert>
#include <tuple>

namespace txindex::admin {
namespace {

using stats::ProcessState;
using stats::ServiceWord;
using stats::Word;

ProcessReading process_of(const stats::Snapshot& side, std::int64_t steady_us) {
  ProcessReading process;
  process.pid = side[Word::pid];
  process.generation = side[Word::generation];
  process.state = static_cast<ProcessState>(side[Word::state]);
  process.verify_backend = static_cast<VerifyBackend>(side[Word::verify_backend]);
  const std::uint64_t beat = side[Word::heartbeat_us];
  if (process.pid != 0 && beat != 0) {
    // It may have beaten since `steady_us` was taken.
    const auto now = static_cast<std::uint64_t>(steady_us);
    process.heartbeat_age_us = now > beat ? now - beat : 0;
  }
  return process;
}

SlotReading read_slot(const stats::Segment& segment, std::size_t slot, std::int64_t steady_us) {
  SlotReading reading;
  reading.slot = slot;
  for (std::size_t side = 0; side < stats::kSides; ++side) {
    const auto copy = stats::take_snapshot(segment.block(slot, side));
    reading.sides[side] = process_of(copy, steady_us);
    reading.sum += copy;
  }
  const auto rank = [&](std::size_t side) {
    const ProcessReading& p = reading.sides[side];
    return std::tuple(p.state == ProcessState::ready, p.pid != 0, p.generation);
  };
  reading.in_charge = rank(1) > rank(0) ? 1 : 0;
  return reading;
}

// The supervisor asks no worker how it gets on with the database. One that is starting has writers
// before it has connections.
bool database_away(const Reading& reading) {
  return reading.workers_ready() > 0 && reading.total[Word::writers] > 0 &&
         reading.total[Word::postgres_connected] == 0;
}

// When the worker that measures changes, two know it for a moment: that must not look like twice
// as much.
std::optional<StoreReading> store_of(const std::vector<SlotReading>& workers) {
  StoreReading store;
  for (const auto& slot : workers) {
    store.partitions = std::max(store.partitions, slot.sum[Word::store_partitions]);
    store.rows = std::max(store.rows, slot.sum[Word::store_rows]);
    store.bytes = std::max(store.bytes, slot.sum[Word::store_bytes]);
  }
  if (store.partitions == 0 && store.rows == 0 && store.bytes == 0) return std::nullopt;
  return store;
}

}  // namespace

std::uint64_t Reading::workers_ready() const {
  return static_cast<std::uint64_t>(std::count_if(
      workers.begin(), workers.end(),
      [](const SlotReading& slot) { return slot.process().state == ProcessState::ready; }));
}

Reading read(const stats::Segment& segment, std::int64_t steady_us, std::int64_t wall_us) {
  assert(segment.slot_count() == stats::kSlots);
  Reading reading;
  reading.steady_us = steady_us;
  reading.wall_us = wall_us;
  reading.service = stats::take_snapshot(segment.service());
  const auto slots =
      std::min<std::uint64_t>(reading.service[ServiceWord::worker_slots], stats::kAdminSlot);
  reading.workers.reserve(slots);
  for (std::size_t slot = 0; slot < slots; ++slot) {
    reading.workers.push_back(read_slot(segment, slot, steady_us));
    reading.total += reading.workers.back().sum;
  }
  reading.admin = read_slot(segment, stats::kAdminSlot, steady_us);
  reading.tokens = stats::take_snapshot(segment.tokens());
  reading.store = store_of(reading.workers);
  auto& state = reading.service.words[static_cast<std::size_t>(ServiceWord::service_state)];
  if (state == static_cast<std::uint64_t>(stats::ServiceState::serving) && database_away(reading)) {
    state = static_cast<std::uint64_t>(stats::ServiceState::degraded);
  }
  return reading;
}

std::string_view unreadiness(const Reading& reading) {
  if (static_cast<stats::ServiceState>(reading.service[ServiceWord::service_state]) ==
      stats::ServiceState::draining) {
    return "the service is draining";
  }
  if (reading.workers_ready() == 0) return "no worker is ready";
  if (database_away(reading)) return "no writer is connected to PostgreSQL, the log says why";
  return {};
}

}  // namespace txindex::admin
