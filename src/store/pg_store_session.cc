// The connection of a PgStore: made when needed, for as long as it takes, and cut by stop().
#include <sys/socket.h>

#include <cmath>
#include <pqxx/except>

#include "log/log.h"
#include "store/pg_session.h"
#include "store/pg_store.h"

namespace txindex::store {

using Clock = std::chrono::steady_clock;
using stats::Word;

bool PgStore::connect() {
  return persist([] {});
}

void PgStore::open_session() {
  if (session_) return;
  session_ = std::make_unique<PgSession>(connection_options_, address_);
  {
    const std::lock_guard lock(mutex_);
    socket_ = session_->socket();
    if (stopping_) ::shutdown(socket_, SHUT_RDWR);
  }
  try {
    const auto admitted =
        session_->admit(options_.allow_unsafe_durability, options_.partition_interval);
    if (!admitted) throw Refused(admitted.error().message);
    session_->prepare(options_.index_level, options_.statement_timeout.count());
  } catch (...) {
    forget_socket();
    session_.reset();
    throw;
  }
  stats::add(stats_, Word::postgres_connects);
  stats::add(stats_, Word::postgres_connected);
  // It may be another server than before: a replica that was promoted, a backup that was restored.
  partitions_.clear();
  next_id_ = last_id_ = 0;
}

void PgStore::close_session() {
  if (!session_) return;
  forget_socket();
  session_.reset();
  stats::subtract(stats_, Word::postgres_connected);
}

// Before the descriptor is closed and its number can be somebody else's.
void PgStore::forget_socket() {
  const std::lock_guard lock(mutex_);
  socket_ = -1;
}

// Does `action` with a session, again and again until it succeeds; false: stop() came first.
bool PgStore::persist(const std::function<void()>& action) {
  while (!stopping()) {
    DatabaseError error;
    try {
      open_session();
      action();
      outage_over();
      return true;
    } catch (const pqxx::pqxx_exception& problem) {
      error = classify(problem.base());
    } catch (const Refused& refused) {
      error = {Verdict::refused, false, "", refused.what()};
    }
    if (!recover(error)) return false;
  }
  return false;
}

// After an error that no row is to blame for: drops a session that is of no use and waits before
// the next attempt. False: stop() came.
bool PgStore::recover(const DatabaseError& error) {
  if (stopping()) return false;
  stats::add(stats_, Word::postgres_errors);
  outage(error);
  const auto pause = backoff_.next();
  switch (error.verdict) {
    case Verdict::conflict:
      return wait(pause / 4);
    case Verdict::unavailable:
      return wait(pause);
    case Verdict::bad_row:  // of a statement that has no rows
    case Verdict::broken:
    case Verdict::refused:
      close_session();
      return wait(pause);
  }
  return false;
}

void PgStore::outage(const DatabaseError& error) {
  const bool begins = !outage_since_;
  if (begins) outage_since_ = Clock::now();
  if (error.verdict == Verdict::refused && error.message != refusal_) {
    refusal_ = error.message;
    log::event(log::Level::error, "PostgreSQL does not serve; trying until that is mended",
               {{"database", address_}, {"reason", error.message}});
  } else {
    log::event(begins ? log::Level::warning : log::Level::debug,
               "PostgreSQL failed; trying until it succeeds",
               {{"database", address_}, {"sqlstate", error.sqlstate}, {"reason", error.message}});
  }
}

void PgStore::outage_over() {
  backoff_.reset();
  if (!outage_since_) return;
  const std::chrono::duration<double> lasted = Clock::now() - *outage_since_;
  log::event(log::Level::info, "PostgreSQL goes on",
             {{"database", address_}, {"seconds", std::round(lasted.count() * 10) / 10}});
  outage_since_.reset();
  refusal_.clear();
}

void PgStore::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
  }
  stopped_.notify_all();
}

bool PgStore::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !stopped_.wait_for(lock, time, [this] { return stopping_; });
}

bool PgStore::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

}  // namespace txindex::store
