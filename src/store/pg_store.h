// Storage in PostgreSQL: one writer's connection, which does what commit_protocol.h says.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "txindex/result.h"

#include "stats/block.h"
#include "store/commit_protocol.h"
#include "store/stop_switch.h"
#include "store/store.h"

namespace txindex::store {

class PgSession;

class PgStore : public Store {
 public:
  struct Options {
    std::string conninfo;  // keyword and value pairs, or a URI, as libpq reads them
    IndexLevel index_level = IndexLevel::accounts;
    std::chrono::seconds dedup_window = std::chrono::minutes(10);
    std::chrono::seconds partition_interval = std::chrono::hours(1);  // at least twice the window
    bool allow_unsafe_durability = false;  // fsync=off or synchronous_commit=off
    std::chrono::milliseconds backoff_min = std::chrono::milliseconds(50);
    std::chrono::milliseconds backoff_max = std::chrono::seconds(2);
    std::chrono::milliseconds statement_timeout = std::chrono::milliseconds(0);  // 0: none
  };

  // Whether the options can be used together; kExitConfiguration.
  static result<void> validate(const Options& options);

  // Connects once and says why a store with these options would not write: kExitConfiguration for
  // what waiting will not mend, with the address (host:port/database) and the setting named.
  static result<void> probe(const Options& options);

  // Does not connect yet, but counts as a writer from here on, so that there are never fewer of
  // them than connections. The options must be valid. `stats` outlives the store.
  PgStore(Options options, stats::Block& stats);
  ~PgStore() override;

  // Returns true when there is a connection that can write, however long that takes; false only
  // after stop(). From the thread that calls write(). write() connects by itself, too.
  bool connect();

  bool write(std::span<Row> rows) override;
  void look_after() override;

  // Also ends a statement that is running, by cutting its connection. An attempt to connect ends
  // by itself within connect_timeout (5 s by default).
  void stop() override { stop_.stop(); }

 private:
  bool run();
  std::optional<DatabaseError> try_step();
  void do_step();
  void make_partitions();
  void open_session();
  void close_session();

  const Options options_;
  stats::Block& stats_;
  std::string connection_options_;
  std::string address_;

  std::unique_ptr<PgSession> session_;
  CommitProtocol protocol_;
  StopSwitch stop_;
};

}  // namespace txindex::store
