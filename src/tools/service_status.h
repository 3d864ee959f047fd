// What GET /status of the admin port says, as a plain struct.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "txindex/result.h"

namespace txindex::tools {

// Durations of one kind; the percentiles are there if there was any.
struct TimingStatus {
  std::uint64_t count = 0;
  std::optional<double> p50_us;
  std::optional<double> p90_us;
  std::optional<double> p99_us;
  std::optional<double> p999_us;
};
// By name: verify, commit, receive_to_ack.
using TimingsStatus = std::map<std::string, TimingStatus, std::less<>>;
// By their names in txindex/stats_layout.h.
using WordsStatus = std::map<std::string, std::uint64_t, std::less<>>;

// What changed in the last second or so.
struct RecentStatus {
  double received_per_second = 0;
  double committed_per_second = 0;
  double duplicate_per_second = 0;
  double rejected_per_second = 0;
  double bytes_per_second = 0;
  double loop_utilisation = 0;    // 0 to 1
  double verify_utilisation = 0;  // 0 to 1
  TimingsStatus timings;
};

// What one process counts, or all together.
struct Figures {
  WordsStatus counters;
  WordsStatus gauges;
  TimingsStatus timings;  // since the start
  RecentStatus recent;

  // 0 if there is none of that name.
  std::uint64_t counter(std::string_view name) const;
  std::uint64_t gauge(std::string_view name) const;
  // Of `recent`; without values if there is none of that name.
  TimingStatus recent_timing(std::string_view name) const;
  // Every outcome but committed and duplicate.
  std::uint64_t rejected() const;
};

struct SlotStatus {
  std::uint64_t slot = 0;
  bool is_admin = false;
  std::string state;  // of kProcessStates
  std::uint64_t pid = 0;
  std::uint64_t generation = 0;
  std::uint64_t restarts = 0;
  std::optional<double> heartbeat_age_seconds;
  std::size_t processes = 0;  // 2 while one is being replaced by another
  Figures figures;
};

struct RollStatus {
  bool running = false;
  bool queued = false;
  std::optional<std::uint64_t> slot;
  std::uint64_t started = 0;  // number of the latest; 0: none was
  std::uint64_t ended = 0;
  std::uint64_t aborted = 0;  // how many
  std::string last_outcome;   // none, done, aborted
  std::string last_failure;   // empty: none
};

struct StoreStatus {
  std::uint64_t partitions = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

struct ServiceStatus {
  std::string version;
  std::string state;  // of kServiceStates
  std::uint64_t pid = 0;
  std::string started_at;
  double uptime_seconds = 0;
  std::uint64_t reexecs = 0;
  std::string listen;
  std::string admin;
  std::uint64_t workers_wanted = 0;
  std::uint64_t workers_ready = 0;
  RollStatus roll;
  std::optional<StoreStatus> store;  // nothing until a worker has measured it
  Figures totals;
  std::vector<SlotStatus> slots;  // workers by slot, then the admin process
};

// Fields that are not known here are passed over, so that a newer server can be asked. The failure
// says which field is missing or of another type.
result<ServiceStatus> parse_service_status(std::string_view json);

// "worker 3", "the admin process": what people call a slot of `status`.
std::string slot_name(const ServiceStatus& status, std::uint64_t slot);

}  // namespace txindex::tools
