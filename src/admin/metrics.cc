#include "admin/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "stats/block.h"

namespace txindex::admin {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using stats::ServiceText;
using stats::ServiceWord;
using stats::Timing;
using stats::Word;

using Labels = std::vector<ClientMetric::Label>;

// A word that is a family of its own; its kind and its help are those of stats_layout.h.
template <typename Which>
struct Exported {
  Which word;
  std::string_view name;
  double unit = 1;  // of the word, in the unit that is exported
};

constexpr double kMicrosecond = 1e-6;

// Of every process, the admin process too.
constexpr std::array kOfProcesses = {
    Exported<Word>{Word::restarts, "process_restarts_total"},
    Exported<Word>{Word::listeners, "listeners"},
    Exported<Word>{Word::loop_busy_us, "loop_busy_seconds_total", kMicrosecond},
    Exported<Word>{Word::loop_idle_us, "loop_idle_seconds_total", kMicrosecond},
};

constexpr std::array kOfWorkers = {
    Exported<Word>{Word::connections_open, "connections_open"},
    Exported<Word>{Word::connections_accepted, "connections_accepted_total"},
    Exported<Word>{Word::connections_refused, "connections_refused_total"},
    Exported<Word>{Word::connections_broken, "connections_broken_total"},
    Exported<Word>{Word::accept_errors, "accept_errors_total"},
    Exported<Word>{Word::tls_failed, "tls_handshakes_failed_total"},
    Exported<Word>{Word::tokens_refused, "tokens_refused_total"},
    Exported<Word>{Word::received_bytes, "received_bytes_total"},
    Exported<Word>{Word::sent_bytes, "sent_bytes_total"},
    Exported<Word>{Word::received, "transactions_received_total"},
    Exported<Word>{Word::outcome_committed, "transactions_committed_total"},
    Exported<Word>{Word::outcome_duplicate, "transactions_duplicate_total"},
    Exported<Word>{Word::in_flight_bytes, "in_flight_bytes"},
    Exported<Word>{Word::in_flight_bytes_high, "in_flight_high_water_bytes"},
    Exported<Word>{Word::in_flight_waits, "in_flight_waits_total"},
    Exported<Word>{Word::share_waits, "share_waits_total"},
    Exported<Word>{Word::verify_queue, "verify_queue_parcels"},
    Exported<Word>{Word::verify_queue_high, "verify_queue_high_water_parcels"},
    Exported<Word>{Word::verify_threads, "verify_threads"},
    Exported<Word>{Word::verify_threads_busy, "verify_threads_busy"},
    Exported<Word>{Word::verified_signatures, "verified_signatures_total"},
    Exported<Word>{Word::batch_queue, "batch_queue_transactions"},
    Exported<Word>{Word::batch_queue_high, "batch_queue_high_water_transactions"},
    Exported<Word>{Word::writers, "writers"},
    Exported<Word>{Word::writers_busy, "writers_busy"},
    Exported<Word>{Word::batches, "batches_total"},
    Exported<Word>{Word::batch_rows, "batch_rows_total"},
    Exported<Word>{Word::postings, "postings_total"},
    Exported<Word>{Word::partitions_created, "partitions_created_total"},
    Exported<Word>{Word::partitions_dropped, "partitions_dropped_total"},
    Exported<Word>{Word::postgres_connected, "postgres_connected_writers"},
    Exported<Word>{Word::postgres_connects, "postgres_connects_total"},
    Exported<Word>{Word::postgres_errors, "postgres_errors_total"},
    Exported<Word>{Word::postgres_retries, "postgres_retries_total"},
    Exported<Word>{Word::postgres_ambiguous, "postgres_ambiguous_commits_total"},
    Exported<Word>{Word::postgres_bisections, "postgres_bisections_total"},
};

constexpr std::array kOfService = {
    Exported<ServiceWord>{ServiceWord::supervisor_pid, "supervisor_pid"},
    Exported<ServiceWord>{ServiceWord::started_unix_us, "start_time_seconds", kMicrosecond},
    Exported<ServiceWord>{ServiceWord::worker_slots, "worker_slots"},
    Exported<ServiceWord>{ServiceWord::workers, "workers_wanted"},
    Exported<ServiceWord>{ServiceWord::reexecs, "supervisor_reexecs_total"},
    Exported<ServiceWord>{ServiceWord::roll_running, "roll_running"},
    Exported<ServiceWord>{ServiceWord::roll_queued, "roll_queued"},
    Exported<ServiceWord>{ServiceWord::rolls_started, "rolls_started_total"},
    Exported<ServiceWord>{ServiceWord::rolls_ended, "rolls_ended_total"},
    Exported<ServiceWord>{ServiceWord::rolls_aborted, "rolls_aborted_total"},
};

// Upper bounds of the histograms' buckets are powers of two of microseconds, which are bounds of
// the shared histograms too: from 2^first to 2^last.
struct Histogram {
  Timing timing;
  std::string_view name;
  std::string_view help;
  unsigned first;
  unsigned last;
};
constexpr std::array kHistograms = {
    Histogram{Timing::verify, "verify_duration_seconds",
              "Time that a verify thread took for one transaction", 2, 14},
    Histogram{Timing::commit, "commit_duration_seconds",
              "Time from sending a batch to PostgreSQL to its commit", 8, 26},
    Histogram{Timing::receive_to_ack, "receive_to_ack_duration_seconds",
              "Time from the receipt of a transaction to its acknowledgement", 8, 26},
};

MetricFamily family(std::string_view name, MetricType type, std::string_view help) {
  return {"txindex_" + std::string(name), std::string(help), type, {}};
}

template <typename Which, std::size_t N>
MetricFamily family_of(const Exported<Which>& exported,
                       const std::array<stats::WordInfo, N>& words) {
  const auto& info = words[static_cast<std::size_t>(exported.word)];
  return family(exported.name,
                info.kind == stats::Kind::counter ? MetricType::Counter : MetricType::Gauge,
                info.help);
}

void add(MetricFamily& to, double value, Labels labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (to.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  to.metric.push_back(std::move(metric));
}

void add(MetricFamily& to, std::uint64_t value, Labels labels = {}) {
  add(to, static_cast<double>(value), std::move(labels));
}

// One member for each name, 1 for the one that holds and 0 for the others.
template <std::size_t N>
void add_state(MetricFamily& to, const char* label, const std::array<std::string_view, N>& names,
               std::uint64_t holds, const Labels& labels = {}) {
  for (std::size_t i = 0; i < N; ++i) {
    Labels all = labels;
    all.push_back({label, std::string(names[i])});
    add(to, std::uint64_t{i == holds}, std::move(all));
  }
}

void add_histogram(MetricFamily& to, const stats::TimingSnapshot& timing, unsigned first,
                   unsigned last, Labels labels) {
  ClientMetric metric;
  metric.label = std::move(labels);
  std::uint64_t below = 0;
  std::size_t next = 0;  // the first bucket that is not in `below`
  for (unsigned power = first; power <= last; ++power) {
    const std::uint64_t bound_us = std::uint64_t{1} << power;
    for (; next < stats::bucket_of(bound_us); ++next)
      below += timing.buckets[next];
    metric.histogram.bucket.push_back({below, static_cast<double>(bound_us) * kMicrosecond});
  }
  metric.histogram.sample_count = timing.count();
  metric.histogram.sample_sum = static_cast<double>(timing.sum_us) * kMicrosecond;
  to.metric.push_back(std::move(metric));
}

using Slots = std::vector<std::pair<std::string, const SlotReading*>>;

// The slots, with the values of their label.
Slots slots_of(const Reading& reading, bool with_admin) {
  Slots slots;
  for (const auto& slot : reading.workers)
    slots.emplace_back(std::to_string(slot.slot), &slot);
  if (with_admin) slots.emplace_back("admin", &reading.admin);
  return slots;
}

void add_words(std::vector<MetricFamily>& to, std::span<const Exported<Word>> exported,
               const Slots& slots) {
  for (const auto& each : exported) {
    auto words = family_of(each, stats::kWords);
    for (const auto& [label, slot] : slots)
      add(words, static_cast<double>(slot->sum[each.word]) * each.unit, {{"slot", label}});
    to.push_back(std::move(words));
  }
}

void add_service(std::vector<MetricFamily>& to, const Reading& reading) {
  const auto& service = reading.service;
  auto build = family("build_info", MetricType::Gauge, "1, with the version of the supervisor");
  add(build, std::uint64_t{1}, {{"version", service[ServiceText::version]}});
  to.push_back(std::move(build));

  auto state = family("service_state", MetricType::Gauge, "1 for the state of the service");
  add_state(state, "state", stats::kServiceStates, service[ServiceWord::service_state]);
  to.push_back(std::move(state));

  auto ready = family("workers_ready", MetricType::Gauge, "Workers that can take transactions");
  add(ready, reading.workers_ready());
  to.push_back(std::move(ready));

  for (const auto& each : kOfService) {
    auto word = family_of(each, stats::kServiceWords);
    add(word, static_cast<double>(service[each.word]) * each.unit);
    to.push_back(std::move(word));
  }

  auto slot = family("roll_slot", MetricType::Gauge,
                     "The slot that the rolling restart is at; absent while none runs");
  if (service[ServiceWord::roll_running] != 0) add(slot, service[ServiceWord::roll_slot]);
  to.push_back(std::move(slot));

  auto outcome = family("last_roll_outcome", MetricType::Gauge,
                        "1 for the outcome of the latest rolling restart that has ended");
  add_state(outcome, "outcome", stats::kRollOutcomes, service[ServiceWord::last_roll_outcome]);
  to.push_back(std::move(outcome));
}

// What is of the process in charge of a slot, and of no sum.
void add_processes(std::vector<MetricFamily>& to, const Slots& slots) {
  auto state = family("process_state", MetricType::Gauge,
                      "1 for the state of the process in charge of the slot");
  auto pid = family("process_pid", MetricType::Gauge, "Its process id, 0 if there is none");
  auto generation = family("process_generation", MetricType::Gauge,
                           "Its number among the processes that the slot has had");
  auto heartbeat = family("process_heartbeat_age_seconds", MetricType::Gauge,
                          "Time since its event loop last turned; absent without a process");
  auto backend =
      family("process_verify_backend", MetricType::Gauge,
             "1 for what verifies its signatures; auto: it does not say, or verifies none");
  for (const auto& [label, slot] : slots) {
    const ProcessReading& process = slot->process();
    const Labels labels = {{"slot", label}};
    add_state(backend, "backend", kVerifyBackends,
              static_cast<std::uint64_t>(process.verify_backend), labels);
    add_state(state, "state", stats::kProcessStates, static_cast<std::uint64_t>(process.state),
              labels);
    add(pid, process.pid, labels);
    add(generation, process.generation, labels);
    if (process.heartbeat_age_us)
      add(heartbeat, static_cast<double>(*process.heartbeat_age_us) * kMicrosecond, labels);
  }
  for (auto* each : {&state, &backend, &pid, &generation, &heartbeat})
    to.push_back(std::move(*each));
}

void add_reasons(std::vector<MetricFamily>& to, const Slots& slots, std::string_view name,
                 std::string_view help, std::span<const Reason> reasons) {
  auto counted = family(name, MetricType::Counter, help);
  for (const auto& [label, slot] : slots) {
    for (const auto& [word, reason] : reasons)
      add(counted, slot->sum[word], {{"slot", label}, {"reason", std::string(reason)}});
  }
  to.push_back(std::move(counted));
}

// Of each producer, as its token names it; nothing where no tokens are asked for.
void add_tokens(std::vector<MetricFamily>& to, const std::vector<stats::TokenSnapshot>& tokens) {
  const auto add_one = [&](std::string_view name, std::string_view help,
                           std::uint64_t stats::TokenSnapshot::*member) {
    auto one = family(name, MetricType::Counter, help);
    for (const auto& token : tokens)
      add(one, token.*member, {{"token", token.name}});
    to.push_back(std::move(one));
  };
  using Token = stats::TokenSnapshot;
  add_one("token_connections_total", "Producer connections accepted with the token",
          &Token::connections);
  add_one("token_transactions_received_total", "Transactions received with the token",
          &Token::received);
  add_one("token_transactions_rejected_total", "Of them, those answered with a rejection",
          &Token::rejected);
  add_one("token_slowed_total", "Times that a connection was over a limit of the token",
          &Token::slowed);
}

void add_store(std::vector<MetricFamily>& to, const StoreReading& store) {
  const auto add_one = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    auto one = family(name, MetricType::Gauge, help);
    add(one, value);
    to.push_back(std::move(one));
  };
  add_one("store_partitions", "Time partitions that there are", store.partitions);
  add_one("store_rows", "Transactions stored, as PostgreSQL estimates", store.rows);
  add_one("store_bytes", "Bytes of all tables and indexes", store.bytes);
}

}  // namespace

std::string metrics_text(const Reading& reading) {
  std::vector<MetricFamily> all;
  const Slots workers = slots_of(reading, false);
  const Slots processes = slots_of(reading, true);
  add_service(all, reading);
  add_processes(all, processes);
  add_words(all, kOfProcesses, processes);
  add_words(all, kOfWorkers, workers);
  add_reasons(all, workers, "transactions_rejected_total",
              "Transactions answered with a rejection, by its reason", kRejections);
  add_reasons(all, workers, "connections_overdue_total",
              "Producer connections ended by a deadline, by what their peer did not do in time",
              kOverdue);
  for (const auto& histogram : kHistograms) {
    auto timing = family(histogram.name, MetricType::Histogram, histogram.help);
    for (const auto& [label, slot] : workers)
      add_histogram(timing, slot->sum[histogram.timing], histogram.first, histogram.last,
                    {{"slot", label}});
    all.push_back(std::move(timing));
  }
  if (!reading.tokens.empty()) add_tokens(all, reading.tokens);
  if (reading.store) add_store(all, *reading.store);
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace txindex::admin
