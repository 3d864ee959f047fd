#include "store/pg_store.h"

#include <algorithm>
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
using stats::Word;

constexpr std::int64_t kBlockIds = std::int64_t{1} << 20;
// Stamps are bounded elsewhere, so this is never reached; it bounds memory without that.
constexpr std::size_t kPartitionsKnownMax = 100'000;

std::int64_t microseconds(std::chrono::seconds time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

std::string hex(Bytes bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
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
  const auto parsed = parse_connection_string(options.conninfo);
  if (!parsed) return parsed.error();
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
      rule_{microseconds(options_.partition_interval), microseconds(options_.dedup_window)},
      stats_(stats),
      batch_(options_.index_level, rule_),
      backoff_(options_.backoff_min, options_.backoff_max, std::random_device()()) {
  assert(validate(options_));
  const auto where = parse_connection_string(options_.conninfo).value();
  connection_options_ = where.options;
  address_ = where.address;
}

PgStore::~PgStore() {
  close_session();
}

bool PgStore::write(std::span<Row> rows) {
  if (!number(rows)) return false;
  sort_for_writing(items_);
  return items_.empty() || write_part({.items = items_});
}

// Gives each row that PostgreSQL can store its id.
bool PgStore::number(std::span<Row> rows) {
  items_.clear();
  for (Row& row : rows) {
    if (const char* why = unstorable(row); why != nullptr) {
      refuse(row, why);
      continue;
    }
    if (next_id_ == last_id_) {
      std::int64_t block = 0;
      if (!persist([&] { block = session_->next_block(); })) return false;
      next_id_ = block * kBlockIds;
      last_id_ = next_id_ + kBlockIds;
    }
    items_.push_back(Item::of(row, next_id_++, rule_));
  }
  return true;
}

// Returns when every row of the part has its outcome; false: stop() came first.
bool PgStore::write_part(Part part) {
  batch_.encode(part.items);
  while (!stopping()) {
    bool sent = false;
    int partitions_made = 0;
    DatabaseError error;
    try {
      open_session();
      partitions_made = ensure_partitions(part.items);
      sent = true;
      if (send(part)) {
        outage_over();
        return true;
      }
      error = {Verdict::unavailable, true, "", "it warned that a commit is in doubt"};
    } catch (const pqxx::pqxx_exception& problem) {
      error = classify(problem.base());
    } catch (const Refused& refused) {
      error = {Verdict::refused, false, "", refused.what()};
    }
    if (sent && error.in_doubt) {
      part.in_doubt = true;
      stats::add(stats_, Word::postgres_ambiguous);
    }
    if (sent && error.verdict == Verdict::bad_row) {
      // The same SQLSTATE says that a row breaks a constraint and that its partition is gone.
      const bool perhaps_no_partition = error.sqlstate == "23514";
      if (!perhaps_no_partition || (part.remade && partitions_made == 0)) {
        return split(part, error);
      }
      part.remade = true;
      partitions_.clear();
    } else if (!recover(error)) {
      return false;
    }
    stats::add(stats_, Word::postgres_retries);
  }
  return false;
}

// False: PostgreSQL answered, but warned that its commits are not what they should be.
bool PgStore::send(Part& part) {
  const auto begin = Clock::now();
  auto written = session_->write(batch_);
  if (written.doubtful) {
    part.in_doubt = true;
    stats::add(stats_, Word::postgres_ambiguous);
  }
  const bool by_whom = part.in_doubt && !written.all_new;
  // The rows that are there may be durable only here, and this statement has committed nothing
  // that would have waited for more.
  if ((written.doubtful || by_whom) && !session_->barrier()) return false;
  if (by_whom) {
    // Another writer's, or our own from an earlier attempt?
    const auto present = session_->present(batch_);
    written.new_ids.insert(written.new_ids.end(), present.begin(), present.end());
  }
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
  stats::record(stats_, stats::Timing::commit, static_cast<std::uint64_t>(took.count()));
  stats::add(stats_, Word::batches);
  stats::add(stats_, Word::batch_rows, part.items.size());
  stats::add(stats_, Word::postings, batch_.postings());
  settle(part.items, written.all_new, std::move(written.new_ids));
  return true;
}

void PgStore::settle(std::span<Item> items, bool all_new, std::vector<std::int64_t> ours) {
  std::sort(ours.begin(), ours.end());
  for (const Item& item : items) {
    const bool committed = all_new || std::binary_search(ours.begin(), ours.end(), item.id);
    item.row->outcome = committed ? wire::Outcome::committed : wire::Outcome::duplicate;
  }
}

// Nothing of the part is stored, because of one row or more.
bool PgStore::split(const Part& part, const DatabaseError& error) {
  stats::add(stats_, Word::postgres_errors);
  if (part.items.size() == 1) {
    refuse(*part.items[0].row, error.message);
    return true;
  }
  stats::add(stats_, Word::postgres_bisections);
  const std::size_t half = part.items.size() / 2;
  return write_part({.items = part.items.first(half), .in_doubt = part.in_doubt}) &&
         write_part({.items = part.items.subspan(half), .in_doubt = part.in_doubt});
}

void PgStore::refuse(Row& row, const std::string& why) {
  row.outcome = wire::Outcome::refused_by_database;
  log::event(log::Level::warning, "transaction refused by PostgreSQL",
             {{"txid", hex(row.transaction->txid)}, {"reason", why}});
}

// Returns how many tables had to be made.
int PgStore::ensure_partitions(std::span<const Item> items) {
  std::vector<std::int64_t> missing;
  for (const Item& item : items) {
    if (!missing.empty() && missing.back() == item.partition_us) continue;
    if (!partitions_.contains(item.partition_us)) missing.push_back(item.partition_us);
  }
  if (missing.empty()) return 0;
  const auto begin = Clock::now();
  const int made = session_->ensure_partitions(missing);
  if (made > 0) {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
    log::event(log::Level::info, "partitions made",
               {{"partitions", missing.size()}, {"tables", made}, {"ms", took.count()}});
  }
  stats::add(stats_, Word::partitions_created, static_cast<std::uint64_t>(made));
  if (partitions_.size() > kPartitionsKnownMax) partitions_.clear();
  partitions_.insert(missing.begin(), missing.end());
  return made;
}

}  // namespace txindex::store
