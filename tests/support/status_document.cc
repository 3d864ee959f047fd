#include "support/status_document.h"

#include "txindex/stats_layout.h"

namespace txindex::test {
namespace {

namespace json = boost::json;

json::object timings(double base_us) {
  json::object all;
  for (const auto name : stats::kTimings) {
    all[name] =
        json::object{{"count", 10},           {"sum_us", 100},         {"p50_us", base_us},
                     {"p90_us", 2 * base_us}, {"p99_us", 3 * base_us}, {"p999_us", 4 * base_us}};
    base_us *= 10;
  }
  return all;
}

json::object figures(int n) {
  json::object counters;
  json::object gauges;
  int value = 1000 * n;
  for (const auto& word : stats::kWords) {
    if (word.name == "pid" || word.name == "generation" || word.name == "state" ||
        word.name == "heartbeat_us") {
      continue;
    }
    (word.kind == stats::Kind::counter ? counters : gauges)[word.name] = ++value;
  }
  return {{"counters", counters},
          {"gauges", gauges},
          {"timings", timings(20)},
          {"recent",
           {{"seconds", 1.0},
            {"received_per_second", 1000.5 + n},
            {"committed_per_second", 900.25 + n},
            {"duplicate_per_second", 3.0},
            {"rejected_per_second", 2.0},
            {"bytes_per_second", 250000.0},
            {"loop_utilisation", 0.25},
            {"verify_utilisation", 0.75},
            {"timings", timings(50)}}}};
}

json::object slot(int number, bool admin, int pid) {
  json::object out = {{"slot", admin ? static_cast<int>(stats::kAdminSlot) : number},
                      {"kind", admin ? "admin" : "worker"},
                      {"state", "ready"},
                      {"pid", pid},
                      {"generation", 2},
                      {"restarts", number},
                      {"heartbeat_age_seconds", 0.05},
                      {"processes", json::array{json::object{
                                        {"pid", pid}, {"generation", 2}, {"state", "ready"}}}}};
  for (auto& entry : figures(number + 1))
    out[entry.key()] = entry.value();
  return out;
}

}  // namespace

json::object status_document(int workers) {
  constexpr int kSupervisorPid = 4711;
  json::array slots;
  for (int i = 0; i < workers; ++i)
    slots.push_back(slot(i, false, kSupervisorPid + 1 + i));
  slots.push_back(slot(workers, true, kSupervisorPid + 1 + workers));
  return {{"version", "0.1.0"},
          {"state", "serving"},
          {"pid", kSupervisorPid},
          {"started_at", "2026-11-21T08:00:00Z"},
          {"uptime_seconds", 93784.5},
          {"reexecs", 0},
          {"listen", "127.0.0.1:9400"},
          {"admin", "127.0.0.1:9464"},
          {"workers", {{"wanted", workers}, {"ready", workers}}},
          {"roll",
           {{"running", false},
            {"queued", false},
            {"slot", nullptr},
            {"started", 3},
            {"ended", 3},
            {"aborted", 1},
            {"last", {{"outcome", "done"}, {"failure", nullptr}}}}},
          {"store", {{"partitions", 3}, {"rows", 20002}, {"bytes", 12345678}}},
          {"totals", figures(100)},
          {"slots", slots}};
}

void set(json::object& document, const std::string& pointer, json::value value) {
  json::value whole(std::move(document));
  whole.at_pointer(pointer) = std::move(value);
  document = std::move(whole.as_object());
}

std::string text_of(const json::object& document) {
  return json::serialize(document);
}

}  // namespace txindex::test
