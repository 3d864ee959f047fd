#include "admin/status.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

namespace txindex::admin {
namespace {

namespace json = boost::json;
using stats::ServiceText;
using stats::ServiceWord;
using stats::Word;

double in_seconds(std::uint64_t us) {
  return static_cast<double>(us) / 1e6;
}

json::value utc(std::uint64_t unix_us) {
  if (unix_us == 0) return nullptr;
  const auto seconds = static_cast<time_t>(unix_us / 1'000'000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return json::value(
      json::string(text.data(), strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)));
}

json::value text_or_null(const std::string& text) {
  if (text.empty()) return nullptr;
  return json::value(json::string(text));
}

json::object timing(const Percentiles& values) {
  json::object out;
  out["count"] = values.count;
  out["sum_us"] = values.sum_us;
  const auto set = [&](const char* name, double us) {
    out[name] = values.count > 0 ? json::value(us) : json::value(nullptr);
  };
  set("p50_us", values.p50_us);
  set("p90_us", values.p90_us);
  set("p99_us", values.p99_us);
  set("p999_us", values.p999_us);
  return out;
}

json::object recent_of(const Recent& recent) {
  json::object out;
  out["seconds"] = recent.seconds;
  out["received_per_second"] = recent.received_per_second;
  out["committed_per_second"] = recent.committed_per_second;
  out["duplicate_per_second"] = recent.duplicate_per_second;
  out["rejected_per_second"] = recent.rejected_per_second;
  out["bytes_per_second"] = recent.bytes_per_second;
  out["loop_utilisation"] = recent.loop_utilisation;
  out["verify_utilisation"] = recent.verify_utilisation;
  json::object timings;
  for (std::size_t t = 0; t < stats::kTimings.size(); ++t)
    timings[stats::kTimings[t]] = timing(recent.timings[t]);
  out["timings"] = std::move(timings);
  return out;
}

// Those of a process and not of a slot are said elsewhere, and so is `restarts` by its own name.
bool is_of_a_process(Word word) {
  constexpr std::array kOfProcess = {Word::pid, Word::generation, Word::state, Word::heartbeat_us,
                                     Word::verify_backend};
  return std::find(kOfProcess.begin(), kOfProcess.end(), word) != kOfProcess.end();
}

// The part that slots and their total share.
void add_quantities(json::object& out, const stats::Snapshot& sum, const Recent& recent) {
  json::object counters;
  json::object gauges;
  for (std::size_t i = 0; i < stats::kWords.size(); ++i) {
    const auto& info = stats::kWords[i];
    if (is_of_a_process(static_cast<Word>(i))) continue;
    (info.kind == stats::Kind::counter ? counters : gauges)[info.name] = sum.words[i];
  }
  out["counters"] = std::move(counters);
  out["gauges"] = std::move(gauges);
  json::object timings;
  for (std::size_t t = 0; t < stats::kTimings.size(); ++t)
    timings[stats::kTimings[t]] = timing(percentiles(sum.timings[t]));
  out["timings"] = std::move(timings);
  out["recent"] = recent_of(recent);
}

json::object slot_of(const SlotReading& slot, const char* kind, const Recent& recent) {
  const ProcessReading& process = slot.process();
  json::object out;
  out["slot"] = slot.slot;
  out["kind"] = kind;
  out["state"] = name_of(stats::kProcessStates, static_cast<std::uint64_t>(process.state));
  out["pid"] = process.pid;
  out["generation"] = process.generation;
  out["restarts"] = slot.sum[Word::restarts];
  out["heartbeat_age_seconds"] = process.heartbeat_age_us
                                     ? json::value(in_seconds(*process.heartbeat_age_us))
                                     : json::value(nullptr);
  out["verify_backend"] =
      process.verify_backend == VerifyBackend::automatic
          ? json::value(nullptr)
          : json::value(
                name_of(kVerifyBackends, static_cast<std::uint64_t>(process.verify_backend)));
  json::array processes;
  for (const auto& side : slot.sides) {
    if (side.pid == 0) continue;
    processes.push_back(json::object{
        {"pid", side.pid},
        {"generation", side.generation},
        {"state", name_of(stats::kProcessStates, static_cast<std::uint64_t>(side.state))}});
  }
  out["processes"] = std::move(processes);
  add_quantities(out, slot.sum, recent);
  return out;
}

json::object roll_of(const stats::ServiceSnapshot& service) {
  const bool running = service[ServiceWord::roll_running] != 0;
  json::object out;
  out["running"] = running;
  out["queued"] = service[ServiceWord::roll_queued] != 0;
  out["slot"] = running ? json::value(service[ServiceWord::roll_slot]) : json::value(nullptr);
  out["started"] = service[ServiceWord::rolls_started];
  out["ended"] = service[ServiceWord::rolls_ended];
  out["aborted"] = service[ServiceWord::rolls_aborted];
  out["last"] = json::object{
      {"outcome", name_of(stats::kRollOutcomes, service[ServiceWord::last_roll_outcome])},
      {"failure", text_or_null(service[ServiceText::roll_failure])}};
  return out;
}

}  // namespace

std::string status_json(const Reading& reading, const Sampler& sampler) {
  const auto& service = reading.service;
  const std::uint64_t started = service[ServiceWord::started_unix_us];
  const auto now = static_cast<std::uint64_t>(reading.wall_us);
  json::object out;
  out["version"] = service[ServiceText::version];
  out["state"] = name_of(stats::kServiceStates, service[ServiceWord::service_state]);
  out["pid"] = service[ServiceWord::supervisor_pid];
  out["started_at"] = utc(started);
  out["uptime_seconds"] = started != 0 && now > started ? in_seconds(now - started) : 0.0;
  out["reexecs"] = service[ServiceWord::reexecs];
  out["listen"] = service[ServiceText::listen];
  out["admin"] = service[ServiceText::admin];
  out["workers"] =
      json::object{{"wanted", service[ServiceWord::workers]}, {"ready", reading.workers_ready()}};
  out["roll"] = roll_of(service);
  out["store"] = nullptr;
  if (reading.store) {
    out["store"] = json::object{{"partitions", reading.store->partitions},
                                {"rows", reading.store->rows},
                                {"bytes", reading.store->bytes}};
  }
  json::object totals;
  add_quantities(totals, reading.total, sampler.total());
  out["totals"] = std::move(totals);
  json::array slots;
  for (const auto& slot : reading.workers)
    slots.push_back(slot_of(slot, "worker", sampler.worker(slot.slot)));
  slots.push_back(slot_of(reading.admin, "admin", sampler.admin()));
  out["slots"] = std::move(slots);
  return json::serialize(out);
}

std::string history_json(const Sampler& sampler) {
  const auto or_null = [](const std::optional<double>& value) {
    return value ? json::value(*value) : json::value(nullptr);
  };
  json::array samples;
  for (const auto& sample : sampler.history()) {
    samples.push_back(
        json::object{{"t", sample.unix_seconds},
                     {"committed_per_second", sample.committed_per_second},
                     {"received_per_second", sample.received_per_second},
                     {"receive_to_ack_p50_us", or_null(sample.receive_to_ack_p50_us)},
                     {"receive_to_ack_p99_us", or_null(sample.receive_to_ack_p99_us)}});
  }
  return json::serialize(json::object{{"interval_seconds", 1}, {"samples", std::move(samples)}});
}

}  // namespace txindex::admin
