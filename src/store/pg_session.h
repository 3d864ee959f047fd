// One connection to PostgreSQL, made ready for a writer. For src/store only: includes libpqxx.
//
// libpqxx would connect again by itself when a connection breaks, which hides that a commit is in
// doubt; that is switched off. Every function but address() throws what libpqxx throws; what that
// means for the batch is classify()'s to say.
#pragma once

#include <chrono>
#include <cstdint>
#include <pqxx/errorhandler>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "txindex/result.h"

#include "store/answers.h"
#include "store/batch.h"
#include "store/pg_connection.h"

namespace txindex::store {

// Thrown for Verdict::refused.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// `problem` was thrown by libpqxx.
DatabaseError classify(const std::exception& problem);

class PgSession {
 public:
  // Connects, for as long as connect_timeout says. `options` as libpq reads them.
  PgSession(const std::string& options, std::string address);
  ~PgSession();

  // The socket, for shutdown() by another thread.
  int socket() const { return connection_.sock(); }
  const std::string& address() const { return address_; }

  // Refuses a server that would lose what it has acknowledged (fsync or synchronous_commit off),
  // one in recovery and a schema that is not this binary's: kExitConfiguration. synchronous_commit
  // must be on, remote_apply, remote_write or local, each of which outlives a crash of PostgreSQL,
  // and stays for this session what it is now.
  result<void> admit(bool allow_unsafe_durability, std::chrono::seconds partition_interval);

  // Settings and statements.
  void prepare(IndexLevel level, long statement_timeout_ms);

  // Stores what is new of the batch, which is encoded as arrays.
  Written write(Batch& batch);
  // Stores all of the batch, which is encoded as rows, or fails with 23505 (unique_violation).
  Written copy(Batch& batch);

  // Waits until everything that was committed before it is as durable, and as replicated, as a
  // commit of this session's own. False: PostgreSQL warned that it is not.
  bool barrier();

  // The ids of the batch that are there, by (ts, id).
  std::vector<std::int64_t> present(Batch& batch);

  // Makes the partitions that rows with these stamps (microseconds since the Unix epoch) need, and
  // returns how many tables it made.
  int ensure_partitions(const std::vector<std::int64_t>& stamps_us);

  std::int64_t next_block();

  // False: there is nobody at the other end. Does not wait.
  bool alive() { return connection_.alive(); }

 private:
  // Counts what PostgreSQL warns of while a statement runs.
  class Warnings : public pqxx::errorhandler {
   public:
    Warnings(pqxx::connection_base& connection, const std::string& address)
        : errorhandler(connection), address_(address) {}
    bool operator()(const char message[]) noexcept override;
    int seen = 0;

   private:
    const std::string& address_;
  };

  Failure unsafe(std::string_view setting) const;
  void leave_open_if_a_test_says_so();
  void commit_what_a_test_left_open() noexcept;

  std::string address_;
  PgConnection connection_;
  Warnings warnings_;
};

}  // namespace txindex::store
