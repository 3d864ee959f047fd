// Storage in PostgreSQL: one writer's connection, and the rules by which a batch is tried until its
// outcome is known.
//
//   answer of PostgreSQL              what is done
//   --------------------------------  ------------------------------------------------------------
//   stored                            rows that are new: committed, others: duplicate
//   SQLSTATE class 22, 23             halved until the bad rows stand alone: refused_by_database
//   deadlock, serialisation failure   sent again at once
//   no such partition                 made, sent again
//   anything else, no connection      sent again, with backoff, for as long as it takes
//   none: the connection broke, or    sent again with the same ids on a new connection; rows that
//   a warning came with the answer    are there with our own id were ours: committed
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "txindex/result.h"

#include "stats/block.h"
#include "store/backoff.h"
#include "store/batch.h"
#include "store/partition.h"
#include "store/store.h"

namespace txindex::store {

class PgSession;
struct DatabaseError;

class PgStore : public Store {
 public:
  struct Options {
    std::string conninfo;  // keyword and value pairs, or a URI, as libpq reads them
    IndexLevel index_level = IndexLevel::accounts;
    std::chrono::seconds dedup_window = std::chrono::minutes(10);
    std::chrono::seconds partition_interval = std::chrono::hours(1);  // at least twice the window
    bool allow_unsafe_durability = false;  // fsync=off or synchronous_commit=off
    std::chrono::milliseconds backoff_min = std::chrono::milliseconds(50);
    std::chrono::milliseconds backoff_max = std::chrono::seconds(5);
    std::chrono::milliseconds statement_timeout = std::chrono::milliseconds(0);  // 0: none
  };

  // Whether the options can be used together; kExitConfiguration.
  static result<void> validate(const Options& options);

  // Connects once and says why a store with these options would not write: kExitConfiguration for
  // what waiting will not mend, with the address (host:port/database) and the setting named.
  static result<void> probe(const Options& options);

  // Does not connect yet. The options must be valid. `stats` outlives the store.
  PgStore(Options options, stats::Block& stats);
  ~PgStore() override;

  // Returns true when there is a connection that can write, however long that takes; false only
  // after stop(). From the thread that calls write(). write() connects by itself, too.
  bool connect();

  bool write(std::span<Row> rows) override;

  // Also ends a statement that is running, by cutting its connection. An attempt to connect ends
  // by itself within connect_timeout (5 s by default).
  void stop() override;

 private:
  // A part of a batch on its way, and what earlier attempts have taught about it.
  struct Part {
    std::span<Item> items;
    bool in_doubt = false;  // an earlier attempt may have stored it
    bool remade = false;    // its partitions were looked for because PostgreSQL knew none
  };

  // pg_store.cc: what becomes of the rows
  bool number(std::span<Row> rows);
  bool write_part(Part part);
  bool send(Part& part);
  bool split(const Part& part, const DatabaseError& error);
  void settle(std::span<Item> items, bool all_new, std::vector<std::int64_t> ours);
  void refuse(Row& row, const std::string& why);
  int ensure_partitions(std::span<const Item> items);

  // pg_store_session.cc: what becomes of the connection
  void open_session();
  void close_session();
  bool persist(const std::function<void()>& action);
  bool recover(const DatabaseError& error);
  void forget_socket();
  void outage(const DatabaseError& error);
  void outage_over();
  bool wait(std::chrono::milliseconds time);
  bool stopping();

  const Options options_;
  const PartitionRule rule_;
  stats::Block& stats_;
  std::string connection_options_;
  std::string address_;

  std::unique_ptr<PgSession> session_;
  Batch batch_;
  std::vector<Item> items_;
  std::int64_t next_id_ = 0;
  std::int64_t last_id_ = 0;  // ids from next_id_ up to here, not included, are this writer's
  std::unordered_set<std::int64_t> partitions_;  // known to be there, by their first instant

  Backoff backoff_;
  std::optional<std::chrono::steady_clock::time_point> outage_since_;
  std::string refusal_;  // of the server, last logged in this outage

  std::mutex mutex_;  // for what stop() shares
  std::condition_variable stopped_;
  bool stopping_ = false;
  int socket_ = -1;  // of session_
};

}  // namespace txindex::store
