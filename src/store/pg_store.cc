#include "store/pg_store.h"

#include <cassert>
#include <pqxx/except>
#include <random>

#include "log/log.h"
#include "store/connection_string.h"
#include "store/pg_session.h"
#include "store/schema_internal.h"

namespace txindex::store {
namespace {

using Clock = std::chrono::steady_clock;
using Step = CommitProtocol::Step;
using stats::Word;

std::int64_t microseconds(std::chrono::seconds time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

ConnectionString parsed(const PgStore::Options& options) {
  assert(PgStore::validate(options));
  return parse_connection_string(options.conninfo).value();
}

CommitProtocol::Options protocol_options(const PgStore::Options& options) {
  return {.address = parsed(options).address,
          .index_level = options.index_level,
          .rule = {microseconds(options.partition_interval), microseconds(options.dedup_window)},
          .backoff_min = options.backoff_min,
          .backoff_max = options.backoff_max,
          .backoff_seed = std::random_device()(),
          .now = Clock::now};
}

}  // namespace

result<void> PgStore::validate(const Options& options) {
  const auto interval = options.partition_interval.count();
  const auto window = options.dedup_window.count();
  if (interval < 60 || interval % 60 != 0) {
    return configuration_failure("partition interval: " + std::to_string(interval) +
                                 " s is not a whole number of minutes");
  }
  if (window < 0 || interval < 2 * window) {
    return configuration_failure("dedup window: " + std::to_string(window) +
                                 " s is more than half of the partition interval, " +
                                 std::to_string(interval) + " s");
  }
  if (options.backoff_min.count() < 1 || options.backoff_max < options.backoff_min) {
    return configuration_failure("backoff: the least must be 1 ms or more, the most no less");
  }
  if (options.statement_timeout.count() < 0) {
    return configuration_failure("statement timeout: must not be negative");
  }
  const auto where = parse_connection_string(options.conninfo);
  if (!where) return where.error();
  return {};
}

result<void> PgStore::probe(const Options& options) {
  if (const auto valid = validate(options); !valid) return valid.error();
  const auto where = parse_connection_string(options.conninfo);
  try {
    PgSession session(where->options, where->address);
    return session.admit(options.allow_unsafe_durability, options.partition_interval);
  } catch (const pqxx::insufficient_privilege& problem) {
    return configuration_failure(where->address + ": " + without_privilege(problem));
  } catch (const pqxx::pqxx_exception& problem) {
    return failure(where->address + ": " + first_line(problem.base()));
  }
}

PgStore::PgStore(Options options, stats::Block& stats)
    : options_(std::move(options)),
      stats_(stats),
      connection_options_(parsed(options_).options),
      address_(parsed(options_).address),
      protocol_(protocol_options(options_), stats_) {
  stats::add(stats_, Word::writers);
}

PgStore::~PgStore() {
  close_session();
  stats::subtract(stats_, Word::writers);
}

bool PgStore::connect() {
  if (stop_.stopped()) return false;
  protocol_.begin_connection();
  return run();
}

bool PgStore::write(std::span<Row> rows) {
  if (stop_.stopped()) return false;
  protocol_.begin(rows);
  return run();
}

// Does what the protocol asks for until it asks for nothing more; false: stop() came first.
bool PgStore::run() {
  while (protocol_.step() != Step::done) {
    if (stop_.stopped()) return false;
    const auto error = try_step();
    if (!error) continue;
    // The connection may have been cut by stop().
    if (stop_.stopped()) return false;
    protocol_.failed(*error);
    if (!protocol_.has_session()) close_session();
  }
  return true;
}

void PgStore::look_after() {
  if (stop_.stopped()) return;
  if (session_) {
    if (session_->alive()) return;
    protocol_.failed_idle(classify(pqxx::broken_connection("")));
    close_session();
  }
  // Once: the thread has to be back for what there is to write, and for who closes its queue.
  protocol_.begin_connection();
  if (const auto error = try_step()) protocol_.failed_idle(*error);
}

std::optional<DatabaseError> PgStore::try_step() {
  try {
    do_step();
    return std::nullopt;
  } catch (const pqxx::pqxx_exception& problem) {
    return classify(problem.base());
  } catch (const Refused& refused) {
    return DatabaseError{Verdict::refused, false, "", refused.what()};
  }
}

void PgStore::do_step() {
  switch (protocol_.step()) {
    case Step::connect:
      open_session();
      return protocol_.connected();
    case Step::next_block:
      return protocol_.block_taken(session_->next_block());
    case Step::make_partitions:
      return make_partitions();
    case Step::copy:
      return protocol_.inserted(session_->copy(protocol_.batch()));
    case Step::insert:
      return protocol_.inserted(session_->write(protocol_.batch()));
    case Step::barrier:
      return protocol_.barrier_passed(session_->barrier());
    case Step::find_present:
      return protocol_.found_present(session_->present(protocol_.batch()));
    case Step::wait:
      if (stop_.wait(protocol_.pause())) protocol_.waited();
      return;
    case Step::done:
      return;
  }
}

void PgStore::make_partitions() {
  const auto begin = Clock::now();
  const int made = session_->ensure_partitions(protocol_.missing_partitions());
  if (made > 0) {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
    log::event(log::Level::info, "partitions made",
               {{"partitions", protocol_.missing_partitions().size()},
                {"tables", made},
                {"ms", took.count()}});
  }
  stats::add(stats_, Word::partitions_created, static_cast<std::uint64_t>(made));
  protocol_.partitions_made(made);
}

void PgStore::open_session() {
  session_ = std::make_unique<PgSession>(connection_options_, address_);
  stop_.attach(session_->socket());
  try {
    const auto admitted =
        session_->admit(options_.allow_unsafe_durability, options_.partition_interval);
    if (!admitted) throw Refused(admitted.error().message);
    session_->prepare(options_.index_level, options_.statement_timeout.count());
  } catch (...) {
    stop_.detach();
    session_.reset();
    throw;
  }
  stats::add(stats_, Word::postgres_connects);
  stats::add(stats_, Word::postgres_connected);
}

void PgStore::close_session() {
  if (!session_) return;
  stop_.detach();
  session_.reset();
  stats::subtract(stats_, Word::postgres_connected);
}

}  // namespace txindex::store
