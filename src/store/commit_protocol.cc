#include "store/commit_protocol.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "log/log.h"
#include "text/hex.h"

namespace txindex::store {
namespace {

using stats::Word;

constexpr std::int64_t kBlockIds = std::int64_t{1} << 20;
// Stamps are bounded elsewhere, so this is never reached; it bounds memory without that.
constexpr std::size_t kPartitionsKnownMax = 100'000;
// Each takes some 30 locks when it is made, and PostgreSQL has 6,400 for everybody if nothing else
// is set; 40 ms too, while whoever needs another partition waits.
constexpr int kPartitionsOfAPartMax = 16;
constexpr int kInsertsMax = 63;
// Of an outage the log has the first reasons at once, further ones, which may take turns, and
// reminders later.
constexpr int kReasonsAtOnce = 3;
constexpr std::chrono::seconds kReasonAfter{10};
constexpr std::chrono::seconds kReminderAfter{60};
constexpr const char* kUniqueViolation = "23505";
constexpr const char* kCheckViolation = "23514";
// Its partition can be dropped, and made again by another writer, between two looks.
constexpr int kLooksBeforeARowIsRefused = 3;

}  // namespace

CommitProtocol::CommitProtocol(Options options, stats::Block& stats)
    : options_(std::move(options)),
      stats_(stats),
      backoff_(options_.backoff_min, options_.backoff_max, options_.backoff_seed),
      batch_(options_.index_level, options_.rule) {}

void CommitProtocol::begin(std::span<Row> rows) {
  assert(step_ == Step::done && parts_.empty());
  rows_ = rows;
  numbered_ = 0;
  items_.clear();
  proceed();
}

void CommitProtocol::begin_connection() {
  assert(step_ == Step::done);
  rows_ = {};
  step_ = has_session_ ? Step::done : Step::connect;
}

// What the work needs next, as far as it has come.
void CommitProtocol::proceed() {
  if (numbered_ < rows_.size()) {
    if (!number()) {
      step_ = has_session_ ? Step::next_block : Step::connect;
      return;
    }
    sort_for_writing(items_);
    divide();
  }
  if (parts_.empty()) {
    step_ = Step::done;
    return;
  }
  Part& part = parts_.back();
  if (!part.encoded) encode(part);
  if (!has_session_) {
    step_ = Step::connect;
    return;
  }
  partitions_made_ = 0;
  find_missing(part.items);
  step_ = missing_.empty() ? store_step() : Step::make_partitions;
  sent_at_ = options_.now();
}

// Into parts of few partitions. The first is the last of parts_.
void CommitProtocol::divide() {
  std::span<Item> rest = items_;
  while (!rest.empty()) {
    std::size_t begin = rest.size();
    for (int partitions = 0; begin > 0; --begin) {
      const bool another =
          begin == rest.size() || rest[begin - 1].partition_us != rest[begin].partition_us;
      if (another && ++partitions > kPartitionsOfAPartMax) break;
    }
    const auto items = rest.subspan(begin);
    parts_.push_back({.items = items, .insert = inserts_left_ > 0 || repeats_a_transaction(items)});
    rest = rest.first(begin);
  }
}

void CommitProtocol::encode(Part& part) {
  if (part.in_doubt) part.insert = true;
  batch_.encode(part.items, part.insert ? Batch::Form::arrays : Batch::Form::rows);
  part.encoded = true;
}

CommitProtocol::Step CommitProtocol::store_step() const {
  return batch_.form() == Batch::Form::rows ? Step::copy : Step::insert;
}

// Gives each row that PostgreSQL can store its id. False: there are no more ids.
bool CommitProtocol::number() {
  for (; numbered_ < rows_.size(); ++numbered_) {
    Row& row = rows_[numbered_];
    if (const char* why = unstorable(row); why != nullptr) {
      refuse(row, why);
      continue;
    }
    if (next_id_ == last_id_) return false;
    items_.push_back(Item::of(row, next_id_++, options_.rule));
  }
  return true;
}

void CommitProtocol::find_missing(std::span<const Item> items) {
  missing_.clear();
  for (const Item& item : items) {
    if (!missing_.empty() && missing_.back() == item.partition_us) continue;
    if (!partitions_.contains(item.partition_us)) missing_.push_back(item.partition_us);
  }
}

// --- Answers -------------------------------------------------------------------------------------

void CommitProtocol::connected() {
  has_session_ = true;
  // It may be another server than before: a replica that was promoted, a backup that was restored.
  partitions_.clear();
  next_id_ = last_id_ = 0;
  if (rows_.empty()) outage_over();
  proceed();
}

void CommitProtocol::block_taken(std::int64_t block) {
  next_id_ = block * kBlockIds;
  last_id_ = next_id_ + kBlockIds;
  outage_over();
  proceed();
}

void CommitProtocol::partitions_made(int tables) {
  partitions_made_ = tables;
  if (partitions_.size() > kPartitionsKnownMax) partitions_.clear();
  partitions_.insert(missing_.begin(), missing_.end());
  step_ = store_step();
  sent_at_ = options_.now();
}

void CommitProtocol::inserted(Written written) {
  Part& part = parts_.back();
  written_ = std::move(written);
  if (written_.doubtful) doubt(part);
  // Another writer's, or our own from an earlier attempt?
  find_present_ = part.in_doubt && !written_.all_new;
  // The rows that are there may be durable only here, because a replica has not confirmed them to
  // whoever wrote them, and a statement that has committed nothing has not waited for it either.
  const bool nothing_new = !written_.all_new && written_.new_ids.empty();
  if (written_.doubtful || find_present_ || nothing_new) {
    step_ = Step::barrier;
  } else {
    settle();
  }
}

void CommitProtocol::barrier_passed(bool durable) {
  if (!durable) {
    failed({Verdict::unavailable, true, "", "it warned that a commit is in doubt"});
  } else if (find_present_) {
    step_ = Step::find_present;
  } else {
    settle();
  }
}

void CommitProtocol::found_present(const std::vector<std::int64_t>& ids) {
  written_.new_ids.insert(written_.new_ids.end(), ids.begin(), ids.end());
  settle();
}

void CommitProtocol::waited() {
  if (!parts_.empty()) stats::add(stats_, Word::postgres_retries);
  if (rows_.empty()) {
    step_ = Step::connect;
  } else {
    proceed();
  }
}

void CommitProtocol::failed(const DatabaseError& error) {
  const bool copied = step_ == Step::copy;
  const bool sent =
      copied || step_ == Step::insert || step_ == Step::barrier || step_ == Step::find_present;
  if (sent && error.in_doubt) doubt(parts_.back());
  if (!sent || error.verdict != Verdict::bad_row) return recover(error);
  if (copied && error.sqlstate == kUniqueViolation) {
    inserts_after_duplicates_ = std::min(2 * inserts_after_duplicates_ + 1, kInsertsMax);
    parts_.back().insert = true;
    parts_.back().encoded = false;
    return proceed();
  }
  // The same SQLSTATE says that a row breaks a constraint and that its partition is gone.
  Part& part = parts_.back();
  const bool perhaps_no_partition = error.sqlstate == kCheckViolation;
  const int enough = part.items.size() > 1 ? 1 : kLooksBeforeARowIsRefused;
  if (!perhaps_no_partition || (part.remade >= enough && partitions_made_ == 0))
    return split(error);
  ++part.remade;
  partitions_.clear();
  stats::add(stats_, Word::postgres_retries);
  proceed();
}

// --- What becomes of the rows --------------------------------------------------------------------

void CommitProtocol::doubt(Part& part) {
  part.in_doubt = true;
  if (!part.insert) part.encoded = false;
  stats::add(stats_, Word::postgres_ambiguous);
}

void CommitProtocol::settle() {
  const auto items = parts_.back().items;
  const auto took =
      std::chrono::duration_cast<std::chrono::microseconds>(options_.now() - sent_at_);
  stats::record(stats_, stats::Timing::commit, static_cast<std::uint64_t>(took.count()));
  stats::add(stats_, Word::batches);
  stats::add(stats_, Word::batch_rows, items.size());
  stats::add(stats_, Word::postings, batch_.postings());
  auto& ours = written_.new_ids;
  std::sort(ours.begin(), ours.end());
  for (const Item& item : items) {
    const bool committed =
        written_.all_new || std::binary_search(ours.begin(), ours.end(), item.id);
    item.row->outcome = committed ? wire::Outcome::committed : wire::Outcome::duplicate;
  }
  if (batch_.form() == Batch::Form::rows) {
    inserts_after_duplicates_ /= 2;
  } else {
    inserts_left_ = written_.all_new ? std::max(inserts_left_ - 1, 0) : inserts_after_duplicates_;
  }
  parts_.pop_back();
  outage_over();
  proceed();
}

// Nothing of the part is stored, because of one row or more.
void CommitProtocol::split(const DatabaseError& error) {
  const Part part = parts_.back();
  parts_.pop_back();
  stats::add(stats_, Word::postgres_errors);
  if (part.items.size() == 1) {
    refuse(*part.items[0].row, error.message);
  } else {
    stats::add(stats_, Word::postgres_bisections);
    const std::size_t half = part.items.size() / 2;
    for (const auto items : {part.items.subspan(half), part.items.first(half)})
      parts_.push_back({.items = items, .in_doubt = part.in_doubt, .insert = part.insert});
  }
  proceed();
}

void CommitProtocol::refuse(Row& row, const std::string& why) {
  row.outcome = wire::Outcome::refused_by_database;
  log::event(log::Level::warning, "transaction refused by PostgreSQL",
             {{"txid", text::hex(row.transaction->txid)}, {"reason", why}});
}

// --- What becomes of the connection --------------------------------------------------------------

// After an error that no row is to blame for: gives up a session that is of no use, and waits
// before the next attempt.
void CommitProtocol::recover(const DatabaseError& error) {
  stats::add(stats_, Word::postgres_errors);
  outage(error);
  pause_ = backoff_.next();
  switch (error.verdict) {
    case Verdict::conflict:
      pause_ /= 4;
      break;
    case Verdict::unavailable:
      break;
    case Verdict::bad_row:  // of a statement that has no rows
    case Verdict::broken:
    case Verdict::refused:
      has_session_ = false;
  }
  step_ = Step::wait;
}

void CommitProtocol::failed_idle(const DatabaseError& error) {
  stats::add(stats_, Word::postgres_errors);
  outage(error);
  has_session_ = false;
  step_ = Step::done;
}

// Said when it begins, when there is another reason, since the first may be a symptom only, and
// from time to time.
void CommitProtocol::outage(const DatabaseError& error) {
  const auto now = options_.now();
  const bool begins = !outage_since_;
  if (begins) outage_since_ = now;
  const auto silent = now - reason_logged_at_;
  const bool say =
      begins || silent >= kReminderAfter ||
      (error.message != reason_ && (reasons_logged_ < kReasonsAtOnce || silent >= kReasonAfter));
  if (!say) {
    log::event(
        log::Level::debug, "PostgreSQL still fails",
        {{"database", options_.address}, {"sqlstate", error.sqlstate}, {"reason", error.message}});
    return;
  }
  reasons_logged_ = begins ? 1 : reasons_logged_ + 1;
  reason_ = error.message;
  reason_logged_at_ = now;
  if (error.verdict == Verdict::refused) {
    log::event(log::Level::error, "PostgreSQL does not serve; trying until that is mended",
               {{"database", options_.address}, {"reason", error.message}});
  } else {
    log::event(
        log::Level::warning, "PostgreSQL failed; trying until it succeeds",
        {{"database", options_.address}, {"sqlstate", error.sqlstate}, {"reason", error.message}});
  }
}

void CommitProtocol::outage_over() {
  backoff_.reset();
  if (!outage_since_) return;
  const std::chrono::duration<double> lasted = options_.now() - *outage_since_;
  log::event(log::Level::info, "PostgreSQL goes on",
             {{"database", options_.address}, {"seconds", std::round(lasted.count() * 10) / 10}});
  outage_since_.reset();
}

}  // namespace txindex::store
