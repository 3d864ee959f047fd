// The rules by which a batch is tried until the outcome of every row is known. Pure: it says what
// is to be asked of the database, and is told what came of it. Time, and the database, are others'.
//
// A batch is copied at first, which is the cheapest, and fails if one of its transactions is there;
// then what is new of it is inserted. So it is at once if a transaction stands in it twice, if an
// earlier attempt may have stored it, and for a while after duplicates, the longer the more often a
// copy has failed.
//
// Rows of many partitions are several parts, one after the other: PostgreSQL has a table of locks,
// in which each partition takes some, when it is made and when it is written to. A part that does
// not fit would never succeed.
//
//   answer of PostgreSQL              what is done
//   --------------------------------  ------------------------------------------------------------
//   stored                            rows that are new: committed, others: duplicate
//   unique_violation, of a copy       inserted
//   SQLSTATE class 22, 23             halved until the bad rows stand alone: refused_by_database
//   deadlock, serialisation failure   sent again, soon
//   no such partition                 made, sent again
//   anything else, no connection      sent again, with backoff, for as long as it takes
//   none: the connection broke, or    sent again with the same ids on a new connection; rows that
//   a warning came with the answer    are there with our own id were ours: committed
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "stats/block.h"
#include "store/answers.h"
#include "store/backoff.h"
#include "store/batch.h"
#include "store/partition.h"
#include "store/store.h"

namespace txindex::store {

// Of one writer. One thread. The rows given to begin() stay where they are until it is done.
class CommitProtocol {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Options {
    std::string address;  // of the database, for the log
    IndexLevel index_level = IndexLevel::accounts;
    PartitionRule rule;
    std::chrono::milliseconds backoff_min;
    std::chrono::milliseconds backoff_max;
    std::uint32_t backoff_seed;
    std::function<Time()> now;
  };

  // What is to be done next. Each is answered by the function named, or by failed().
  enum class Step : std::uint8_t {
    connect,          // connected()
    next_block,       // block_taken(): a number that nobody else gets
    make_partitions,  // partitions_made(), for missing_partitions()
    copy,             // inserted(), with batch() as rows; one database transaction
    insert,           // inserted(), with batch() as arrays; one database transaction
    barrier,          // barrier_passed()
    find_present,     // found_present(): the ids of batch() that are there
    wait,  // waited(), for pause(); if not has_session(), what there is of one is dropped
    done,  // every row given to begin() has its outcome
  };

  CommitProtocol(Options options, stats::Block& stats);

  // After Step::done only. Without rows: until there is a connection.
  void begin(std::span<Row> rows);
  void begin_connection();

  Step step() const { return step_; }
  bool has_session() const { return has_session_; }
  Batch& batch() { return batch_; }
  // Stamps, microseconds since the Unix epoch: one in each partition that is not known to be there.
  const std::vector<std::int64_t>& missing_partitions() const { return missing_; }
  std::chrono::milliseconds pause() const { return pause_; }

  void connected();
  void block_taken(std::int64_t block);
  void partitions_made(int tables);
  void inserted(Written written);
  // False: PostgreSQL warned that what was committed before is not as durable as it should be.
  void barrier_passed(bool durable);
  void found_present(const std::vector<std::int64_t>& ids);
  void waited();
  // The step did not succeed.
  void failed(const DatabaseError& error);
  // After Step::done or begin_connection(): there is no session any more, or none to be had, and
  // nothing that has to wait for one. Step::done.
  void failed_idle(const DatabaseError& error);

 private:
  // A part of a batch on its way, and what earlier attempts have taught about it.
  struct Part {
    std::span<Item> items;
    bool in_doubt = false;  // an earlier attempt may have stored it
    bool insert = false;    // what is new of it, and not all of it copied
    int remade = 0;         // how often its partitions were looked for because one was missing
    bool encoded = false;   // into batch_
  };

  void divide();
  void encode(Part& part);
  Step store_step() const;
  bool number();
  void proceed();
  void find_missing(std::span<const Item> items);
  void doubt(Part& part);
  void settle();
  void split(const DatabaseError& error);
  void recover(const DatabaseError& error);
  void refuse(Row& row, const std::string& why);
  void outage(const DatabaseError& error);
  void outage_over();

  const Options options_;
  stats::Block& stats_;
  Backoff backoff_;

  Step step_ = Step::done;
  bool has_session_ = false;
  std::chrono::milliseconds pause_{};

  std::span<Row> rows_;
  std::size_t numbered_ = 0;  // of rows_
  std::vector<Item> items_;
  std::int64_t next_id_ = 0;
  std::int64_t last_id_ = 0;  // ids from next_id_ up to here, not included, are this writer's
  std::vector<Part> parts_;   // without an outcome; the next one is the last
  Batch batch_;               // of parts_.back()

  // For how many parts what is new is inserted before a copy is tried again, and for how many it
  // will be the next time that there are duplicates.
  int inserts_left_ = 0;
  int inserts_after_duplicates_ = 0;

  // Of the attempt that is under way.
  std::vector<std::int64_t> missing_;
  int partitions_made_ = 0;
  Written written_;
  bool find_present_ = false;
  Time sent_at_;

  std::unordered_set<std::int64_t> partitions_;  // known to be there, by their first instant
  std::optional<Time> outage_since_;
  std::string reason_;  // last logged in this outage
  Time reason_logged_at_;
  int reasons_logged_ = 0;
};

}  // namespace txindex::store
