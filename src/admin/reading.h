// What the shared statistics say at one moment, put together slot by slot: what /metrics, /status
// and the sampler are made of.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "txindex/verify_backend.h"

#include "stats/segment.h"
#include "stats/service.h"
#include "stats/snapshot.h"
#include "stats/tokens.h"

namespace txindex::admin {

// One of the two processes that a slot can have; pid 0: none.
struct ProcessReading {
  std::uint64_t pid = 0;
  std::uint64_t generation = 0;
  stats::ProcessState state{};
  VerifyBackend verify_backend{};  // automatic: it has not chosen yet, or verifies nothing
  // Since its event loop last turned, in microseconds; nothing if it has not yet.
  std::optional<std::uint64_t> heartbeat_age_us;
};

struct SlotReading {
  std::size_t slot = 0;
  std::array<ProcessReading, stats::kSides> sides;
  std::size_t in_charge = 0;  // which of them: see the note at read()
  stats::Snapshot sum;        // of the two sides: what the slot has counted and holds

  const ProcessReading& process() const { return sides[in_charge]; }
};

// What the database holds; known to one worker at a time.
struct StoreReading {
  std::uint64_t partitions = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

struct Reading {
  std::int64_t steady_us = 0;  // when: flow/clock.h
  std::int64_t wall_us = 0;
  stats::ServiceSnapshot service;
  std::vector<SlotReading> workers;  // the slots in use
  SlotReading admin;
  stats::Snapshot total;                     // over the workers
  std::vector<stats::TokenSnapshot> tokens;  // producers', by their names
  std::optional<StoreReading> store;         // nothing until a worker has measured it

  std::uint64_t workers_ready() const;
};

// The process in charge of a slot is the one that is ready; if none or both are, the one of the
// later generation among those that are processes at all; else the side that had the last one.
// `segment` must have kSlots slots.
Reading read(const stats::Segment& segment, std::int64_t steady_us, std::int64_t wall_us);

// Why transactions cannot be taken now; empty if they can.
std::string_view unreadiness(const Reading& reading);

// The name of a state that another process has written as a number.
template <std::size_t N>
constexpr std::string_view name_of(const std::array<std::string_view, N>& names,
                                   std::uint64_t number) {
  return number < N ? names[number] : "unknown";
}

// Something is counted by its reason: the word of one, and its name.
struct Reason {
  stats::Word word;
  std::string_view name;
};

// Transactions that were answered with a rejection.
inline constexpr std::array kRejections = {
    Reason{stats::Word::outcome_malformed, "malformed"},
    Reason{stats::Word::outcome_bad_signature, "bad_signature"},
    Reason{stats::Word::outcome_unsupported, "unsupported"},
    Reason{stats::Word::outcome_too_large, "too_large"},
    Reason{stats::Word::outcome_refused_by_database, "refused_by_database"},
    Reason{stats::Word::outcome_time_out_of_range, "time_out_of_range"},
};

// Connections that a deadline ended, by what the peer did not do.
inline constexpr std::array kOverdue = {
    Reason{stats::Word::overdue_hello, "hello"},
    Reason{stats::Word::overdue_frame, "frame"},
    Reason{stats::Word::overdue_idle, "idle"},
    Reason{stats::Word::overdue_answers, "answers"},
};

}  // namespace txindex::admin
