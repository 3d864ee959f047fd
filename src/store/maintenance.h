// What has to be done now and then, by one process for all that write to a database: partitions
// past retention are dropped, and what is stored is measured.
//
// Every worker has one of these; which of them does the work, on whatever machine, an advisory lock
// of PostgreSQL decides. The others look every `interval` whether it has become free, and hold no
// connection meanwhile.
//
// Ingest goes first. A period is dropped only when nobody has been using its tables for longer than
// lock_timeout, and the attempt gives up after that time: an analyst's long query puts it off
// instead of having the writers queue behind it. Many short ones must not put it off for ever, so
// each turn that fails doubles the time, up to kPatienceMax times. Dropping cannot be undone, so
// what is past retention is decided by PostgreSQL's clock or this machine's, whichever is behind.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "stats/block.h"
#include "store/stop_switch.h"

namespace txindex::store {

class MaintenanceSession;

class Maintenance {
 public:
  struct Options {
    std::string conninfo;  // as of PgStore::Options, and valid as that
    std::chrono::seconds partition_interval = std::chrono::hours(1);
    std::optional<std::chrono::microseconds> retention;  // none: nothing is dropped
    std::chrono::milliseconds interval = std::chrono::minutes(1);
    std::chrono::milliseconds lock_timeout = std::chrono::milliseconds(500);
  };
  static constexpr int kPatienceMax = 8;

  // Starts at once, on a thread of its own. Sets the words store_* of the block while it is the one
  // that does the work, and counts partitions_dropped. `stats` outlives it.
  Maintenance(Options options, stats::Block& stats);
  ~Maintenance();  // waits until it has ended
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;

  // Ends it, also in the middle of a statement, whose transaction is then rolled back. Any thread;
  // does not wait. An attempt to connect ends by itself within connect_timeout.
  void stop() { stop_.stop(); }
  // After stop(), once: whether it has ended, or does within this time.
  bool ended(std::chrono::milliseconds within) {
    return ended_.get_future().wait_for(within) == std::future_status::ready;
  }

 private:
  void run();
  bool turn();
  bool open();
  void close();
  void measure();
  bool drop_expired();
  bool drop(const std::string& period, const std::string& cutoff);
  bool in_use(const std::string& period);
  void complain(const std::string& what, const std::string& why);
  std::chrono::milliseconds lock_timeout() const { return patience_ * options_.lock_timeout; }

  const Options options_;
  stats::Block& stats_;
  std::string connection_options_;
  std::string address_;
  std::unique_ptr<MaintenanceSession> session_;  // open only while it holds the advisory lock
  int patience_ = 1;                             // times lock_timeout
  std::string complaint_;                        // last logged; empty: all is well
  std::chrono::steady_clock::time_point complained_at_{};

  StopSwitch stop_;
  std::promise<void> ended_;
  std::thread thread_;
};

}  // namespace txindex::store
