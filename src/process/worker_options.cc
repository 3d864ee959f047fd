#include "process/worker_options.h"

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "store/connection_string.h"
#include "verify/backend.h"

namespace txindex::process {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A parcel holds up to 256 transactions: this is about what the threads do in a fifth of a second.
constexpr std::size_t kVerifyQueueParcelsPerThread = 16;
// In the batch queue: for each writer the batch that it takes next, and one more.
constexpr std::size_t kBatchesWaitingPerWriter = 2;
// From so many rows on, a batch hardly becomes cheaper by more.
constexpr std::size_t kManyRows = 250;
// So many within the linger will be many soon.
constexpr std::size_t kCrowdRows = 16;
constexpr int kLingersUnderLoad = 4;
// More than a writer finds when it comes back from a commit of usual length, unless all are needed.
constexpr std::size_t kRowsBeside = 1000;
constexpr int kLingersBeside = 8;
constexpr int kLingersWhenLate = 25;
// From 8,000 a second in a worker on, transactions that come one by one share turns of its loop.
constexpr std::int64_t kBusyWindowUs = 1000;
constexpr std::uint64_t kBusyTransactions = 8;
constexpr std::int64_t kRestMaxUs = 2000;

Intake::Options intake_options(const config::Config& config) {
  return {.max_future_us = config.time_max_future.count(),
          .max_age_us = config.time_max_age.count(),
          .max_rows = config.batch_max_rows,
          .max_bytes = config.batch_max_bytes,
          .lanes = verify::lanes(verify::backend()),
          .gather_us = config.batch_linger.count() / 2};
}

net::ConnectionLimits connection_limits(const config::Config& config) {
  net::ConnectionLimits limits;
  limits.per_address = config.max_connections_per_address;
  limits.deadlines.hello_us = config.hello_timeout.count();
  limits.deadlines.frame_us = config.frame_timeout.count();
  limits.deadlines.answers_us = config.answers_timeout.count();
  limits.deadlines.idle_us = config.idle_timeout ? config.idle_timeout->count() : 0;
  return limits;
}

verify::VerifyPool::Options verify_options(const config::Config& config) {
  const int threads =
      config::effective_verify_threads(config, config::available_cores(), verify::backend());
  return {.threads = threads,
          .queue_parcels = kVerifyQueueParcelsPerThread * static_cast<std::size_t>(threads)};
}

Coalescing::Options coalescing_options(const config::Config& config) {
  return {.window_us = kBusyWindowUs,
          .busy_count = kBusyTransactions,
          .rest_us = std::min<std::int64_t>(config.batch_linger.count(), kRestMaxUs)};
}

batch::Batcher::Options batch_options(const config::Config& config) {
  return {.max_rows = config.batch_max_rows,
          .max_bytes = config.batch_max_bytes,
          .linger = config.batch_linger,
          .crowd_rows = kCrowdRows,
          .many_rows = std::min(kManyRows, config.batch_max_rows),
          .long_linger = kLingersUnderLoad * config.batch_linger,
          .beside_rows = std::min(kRowsBeside, config.batch_max_rows),
          .beside_linger = kLingersBeside * config.batch_linger,
          .late_linger_max = kLingersWhenLate * config.batch_linger};
}

std::size_t batch_capacity_rows(const config::Config& config) {
  return config.batch_max_rows * kBatchesWaitingPerWriter *
         static_cast<std::size_t>(config.writers);
}

store::PgStore::Options store_options(const config::Config& config) {
  store::PgStore::Options options;
  options.conninfo = config.database;
  options.index_level = config.index_level;
  options.dedup_window = duration_cast<seconds>(config.dedup_window);
  options.partition_interval = duration_cast<seconds>(config.partition_interval);
  options.allow_unsafe_durability = config.allow_unsafe_durability;
  if (config.statement_timeout)
    options.statement_timeout = std::chrono::ceil<milliseconds>(*config.statement_timeout);
  return options;
}

store::Maintenance::Options maintenance_options(const config::Config& config) {
  store::Maintenance::Options options;
  options.conninfo = config.database;
  options.partition_interval = duration_cast<seconds>(config.partition_interval);
  options.retention = config.retention;
  return options;
}

Sandbox worker_sandbox(const config::Config& config) {
  return {.role = SandboxRole::worker,
          .readable = store::files_of(config.database),
          .abstract_sockets = store::has_abstract_socket(config.database)};
}

}  // namespace txindex::process
