#include "store/maintenance.h"

#include <algorithm>
#include <pqxx/except>
#include <random>

#include "log/log.h"
#include "store/connection_string.h"
#include "store/maintenance_session.h"
#include "store/pg_session.h"

namespace txindex::store {
namespace {

using Clock = std::chrono::steady_clock;
using stats::Word;

// Somebody has just begun to use the server and wants to see it, while nothing is stored; or what
// was known is not any more, after an outage.
constexpr std::chrono::milliseconds kSoon = std::chrono::seconds(5);
constexpr auto kComplainAgain = std::chrono::hours(1);

// Those that would otherwise try for the lock together spread out.
std::chrono::milliseconds with_jitter(std::chrono::milliseconds time) {
  thread_local std::minstd_rand random{std::random_device()()};
  const auto most = time.count();
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(most * 3 / 4, most)(random));
}

}  // namespace

Maintenance::Maintenance(Options options, stats::Block& stats)
    : options_(std::move(options)), stats_(stats) {
  const auto where = parse_connection_string(options_.conninfo).value();
  connection_options_ = where.options;
  address_ = where.address;
  thread_ = std::thread([this] {
    run();
    ended_.set_value();
  });
}

Maintenance::~Maintenance() {
  stop();
  thread_.join();
}

void Maintenance::run() {
  while (!stop_.stopped()) {
    const bool soon = turn();
    stop_.wait(with_jitter(soon ? std::min(options_.interval, kSoon) : options_.interval));
  }
  close();
}

// Whether the next one should come soon: there is nothing in the database yet, and this is the one
// that looks after it, or the connection is lost.
bool Maintenance::turn() {
  try {
    if (!open()) return false;
    measure();
    const auto dropped_before = stats::get(stats_, Word::partitions_dropped);
    const bool all_done = !options_.retention || drop_expired();
    if (stats::get(stats_, Word::partitions_dropped) != dropped_before) measure();
    if (all_done) complaint_.clear();
    return stats::get(stats_, Word::store_partitions) == 0;
  } catch (const pqxx::pqxx_exception& problem) {
    const auto error = classify(problem.base());
    // Not every class of libpqxx for what PostgreSQL answers has the SQLSTATE.
    const bool answered = dynamic_cast<const pqxx::sql_error*>(&problem.base()) != nullptr;
    if (!answered) {
      // A connection that is lost or cannot be made: the writers say so.
      log::debug("maintenance: {}: {}", address_, error.message);
    } else if (!stop_.stopped()) {
      complain("the database cannot be looked after", error.message);
    }
    // The lock goes with the session, and another may have it before we are back.
    const bool lost = !answered || error.sqlstate.starts_with("57P");
    if (lost) close();
    return lost;
  }
}

// False: another one does the work, or there is none to be done.
bool Maintenance::open() {
  if (session_) return true;
  auto session = std::make_unique<MaintenanceSession>(connection_options_);
  stop_.attach(session->socket());
  session_ = std::move(session);
  bool mine = false;
  try {
    const auto admitted = session_->admit(address_, options_.partition_interval);
    if (!admitted) complain("the database cannot be looked after", admitted.error().message);
    mine = admitted && session_->lock();
    if (mine) session_->prepare();
  } catch (...) {
    // A session without the lock must not be found here by the next turn.
    close();
    throw;
  }
  if (!mine) close();
  return mine;
}

void Maintenance::close() {
  stop_.detach();
  session_.reset();
  for (const Word word : {Word::store_partitions, Word::store_rows, Word::store_bytes})
    stats::set(stats_, word, 0);
}

void Maintenance::measure() {
  const auto size = session_->measure();
  stats::set(stats_, Word::store_partitions, size.partitions);
  stats::set(stats_, Word::store_rows, size.rows);
  stats::set(stats_, Word::store_bytes, size.bytes);
}

// False: something that is past retention had to be left.
bool Maintenance::drop_expired() {
  const auto expired = session_->expired(*options_.retention);
  for (const auto& period : expired.periods) {
    if (stop_.stopped()) return false;
    if (in_use(period) || !drop(period, expired.cutoff)) {
      // What keeps one from being dropped keeps the next as well.
      patience_ = std::min(2 * patience_, kPatienceMax);
      return false;
    }
  }
  patience_ = 1;
  return true;
}

bool Maintenance::drop(const std::string& period, const std::string& cutoff) {
  try {
    const auto dropped = session_->drop(period, cutoff, lock_timeout());
    if (dropped.partition.empty()) return true;
    stats::add(stats_, Word::partitions_dropped);
    log::event(log::Level::info, "partition dropped: it is past retention",
               {{"partition", dropped.partition},
                {"rows", dropped.rows ? std::to_string(*dropped.rows) : "unknown"},
                {"bytes", dropped.bytes},
                {"tables", dropped.tables}});
    return true;
  } catch (const pqxx::sql_error& problem) {
    if (problem.sqlstate() != "55P03") throw;  // lock_not_available
    complain("a partition past retention cannot be dropped yet", "its tables are in use");
    return false;
  }
}

// Whether somebody has been using the tables for so long that waiting for him would keep the
// writers waiting, too.
bool Maintenance::in_use(const std::string& period) {
  const auto before = session_->users(period);
  if (before.empty()) return false;
  if (!stop_.wait(lock_timeout())) return true;
  for (const auto& user : session_->users(period)) {
    if (std::find(before.begin(), before.end(), user) == before.end()) continue;
    complain("a partition past retention cannot be dropped yet",
             "its tables are in use by process " + user.pid + " of PostgreSQL");
    return true;
  }
  return false;
}

// Says what is new, and from time to time what is not.
void Maintenance::complain(const std::string& what, const std::string& why) {
  const auto now = Clock::now();
  const std::string complaint = what + why;
  const bool again = complaint == complaint_ && now - complained_at_ < kComplainAgain;
  log::event(again ? log::Level::debug : log::Level::warning, what,
             {{"database", address_}, {"reason", why}});
  if (again) return;
  complaint_ = complaint;
  complained_at_ = now;
}

}  // namespace txindex::store
