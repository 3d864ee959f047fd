#include "tools/status.h"

#include <algorithm>
#include <cstdio>

#include "tools/admin_client.h"
#include "tools/figures_text.h"
#include "tools/output.h"
#include "tools/text_table.h"

namespace txindex::tools {
namespace {

std::string roll_line(const ServiceStatus& status) {
  const RollStatus& roll = status.roll;
  const std::string waiting = roll.queued ? ", another one waits" : "";
  if (roll.running) {
    return "number " + std::to_string(roll.started) + " runs" +
           (roll.slot ? ", at " + slot_name(status, *roll.slot) : "") + waiting;
  }
  if (roll.ended == 0) return "none yet" + waiting;
  const std::string last = "number " + std::to_string(roll.ended);
  if (roll.last_outcome != "aborted") return last + " was done" + waiting;
  return last + " was aborted: " + roll.last_failure + waiting;
}

std::string outcome_line(const Figures& figures) {
  std::string line = grouped(figures.counter("received")) + " received, " +
                     grouped(figures.counter("outcome_committed")) + " committed, " +
                     grouped(figures.counter("outcome_duplicate")) + " duplicate, " +
                     grouped(figures.rejected()) + " rejected";
  constexpr std::string_view kPrefix = "outcome_";
  std::string reasons;
  for (const auto& [name, n] : figures.counters) {
    if (n == 0 || !name.starts_with(kPrefix)) continue;
    if (name == "outcome_committed" || name == "outcome_duplicate") continue;
    reasons += (reasons.empty() ? " (" : ", ") + name.substr(kPrefix.size()) + " " + grouped(n);
  }
  return line + reasons + (reasons.empty() ? "" : ")");
}

std::string store_line(const std::optional<StoreStatus>& store) {
  if (!store) return "not measured yet, or not since PostgreSQL was away";
  return grouped(store->partitions) + " partitions, about " + grouped(store->rows) +
         " transactions, " + byte_count(static_cast<double>(store->bytes));
}

void add_slots(const ServiceStatus& status, std::string& out) {
  TextTable table(2, {"slot", "state", "pid", "restarts", "connections", "per second",
                      "verify queue", "batch queue", "loop", "verify", "heartbeat"});
  for (const auto& slot : status.slots) {
    const Figures& f = slot.figures;
    const std::string beat =
        slot.heartbeat_age_seconds ? duration(*slot.heartbeat_age_seconds * 1e6) + " ago" : "-";
    const std::string state = slot.state + (slot.processes > 1 ? "+1" : "");
    const std::string pid = slot.pid == 0 ? "-" : std::to_string(slot.pid);
    if (slot.is_admin) {
      table.add({"admin", state, pid, std::to_string(slot.restarts), "", "", "", "", "", "", beat});
      continue;
    }
    table.add({std::to_string(slot.slot), state, pid, std::to_string(slot.restarts),
               grouped(f.gauge("connections_open")), short_count(f.recent.committed_per_second),
               grouped(f.gauge("verify_queue")), grouped(f.gauge("batch_queue")),
               percent(f.recent.loop_utilisation), percent(f.recent.verify_utilisation), beat});
  }
  for (const auto& line : table.lines())
    out += line + "\n";
}

// Of the last second, or since the start where that had none.
void add_timings(const Figures& totals, std::string& out) {
  TextTable table(1, {"time", "p50", "p90", "p99", "p99.9", "of"});
  for (const auto& [name, since_start] : totals.timings) {
    const TimingStatus recent = totals.recent_timing(name);
    const bool now = recent.count != 0;
    const TimingStatus& t = now ? recent : since_start;
    std::string title = name;
    std::ranges::replace(title, '_', ' ');
    table.add({title, duration(t.p50_us), duration(t.p90_us), duration(t.p99_us),
               duration(t.p999_us), now ? "the last second" : "all since the start"});
  }
  for (const auto& line : table.lines())
    out += line + "\n";
}

}  // namespace

result<ServiceStatus> parse_status_of(const Endpoint& admin, const std::string& body) {
  auto status = parse_service_status(body);
  if (!status) {
    return failure("the admin port at " + to_string(admin) + " answers /status otherwise than " +
                   "expected: " + status.error().message +
                   "; is that a txindexd of another version than this txindex?");
  }
  return status;
}

result<ServiceStatus> fetch_status(const Endpoint& admin, std::string* body) {
  auto got = admin_get(admin, "/status");
  if (!got) return got.error();
  auto status = parse_status_of(admin, *got);
  if (body != nullptr) *body = std::move(*got);
  return status;
}

std::string describe(const ServiceStatus& status) {
  const Figures& totals = status.totals;
  std::string out;
  const auto line = [&out](const char* title, const std::string& text) {
    out += title + text + "\n";
  };
  line("txindexd ", status.version + ": " + status.state);
  line("  up            ", uptime(status.uptime_seconds) + " since " + status.started_at +
                               ", supervisor " + std::to_string(status.pid) + ", re-executed " +
                               grouped(status.reexecs) + " times");
  line("  addresses     ", "listen " + status.listen + ", admin " + status.admin);
  line("  workers       ", std::to_string(status.workers_ready) + " of " +
                               std::to_string(status.workers_wanted) + " ready");
  line("  restart       ", roll_line(status));
  line("  store         ", store_line(status.store));
  line("  transactions  ", outcome_line(totals));
  line("  last second   ", short_count(totals.recent.committed_per_second) + " committed, " +
                               short_count(totals.recent.received_per_second) + " received, " +
                               short_count(totals.recent.duplicate_per_second) + " duplicate, " +
                               short_count(totals.recent.rejected_per_second) + " rejected, " +
                               byte_count(totals.recent.bytes_per_second));
  line("  in flight     ", byte_count(static_cast<double>(totals.gauge("in_flight_bytes"))) +
                               ", waiting for verify " + grouped(totals.gauge("verify_queue")) +
                               " parcels, for a writer " + grouped(totals.gauge("batch_queue")) +
                               " transactions");
  line("  PostgreSQL    ", grouped(totals.gauge("postgres_connected")) + " of " +
                               grouped(totals.gauge("writers")) + " writers connected, " +
                               grouped(totals.counter("postgres_errors")) + " errors, " +
                               grouped(totals.counter("postgres_retries")) + " batches retried");
  out += "\n";
  add_timings(totals, out);
  out += "\n";
  add_slots(status, out);
  return out;
}

result<int> status(const StatusOptions& options) {
  std::string body;
  const auto got = fetch_status(options.admin, &body);
  if (!got) return got.error();
  if (options.json) {
    std::fwrite(body.data(), 1, body.size(), stdout);
    if (!body.ends_with('\n')) std::putchar('\n');
  } else {
    std::fputs(describe(*got).c_str(), stdout);
  }
  if (std::fflush(stdout) != 0) return failure("cannot write to standard output");
  const bool whole = got->state == "serving" && got->workers_ready >= got->workers_wanted;
  return whole ? 0 : kExitNotServing;
}

}  // namespace txindex::tools
