// A worker without its threads: the same stages, wired as in src/process/worker.cc, and instead of
// each thread what it has in hand. What a worker's queues wait for, is waited for here by not
// taking that step.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "batch/batch_queue.h"
#include "flow/chunk.h"
#include "flow/gate.h"
#include "net/connections.h"
#include "process/batch_rows.h"
#include "process/intake.h"
#include "sim/chance.h"
#include "sim/fake_database.h"
#include "sim/schedule.h"
#include "sim/transactions.h"
#include "store/commit_protocol.h"
#include "verify/offer_queue.h"

namespace txindex::sim {

class FakeWorker {
 public:
  // An hour, and ten minutes: in microseconds.
  static constexpr store::PartitionRule kRule{3'600'000'000, 600'000'000};

  FakeWorker(Chance& chance, const Kinds& kinds, FakeDatabase& database);
  ~FakeWorker();

  // Takes over the server's end of a connection.
  void add(int socket);
  void drain();
  bool draining() const { return draining_; }
  // The last connection is gone, and nothing is left to be done.
  bool has_left() const { return left_ && loop_is_idle_; }

  // Each takes one step, false: there was none to take.
  bool loop_step();
  bool thread_step();
  // To the next moment that somebody waits for, or a little further, but never more than a second.
  void let_time_pass();
  std::int64_t now_us() const { return clocks().steady_us; }
  const net::DeadlineLimits& deadlines() const { return connections_.deadlines(); }
  // A socket may have become readable or writable.
  void something_came() { loop_is_idle_ = false; }

  std::uint64_t received() const;
  Tally tally() const;
  void check_bounds();
  void check_end();
  // What was said of the rows, and what is in the table, at the end.
  void check_table() const;

 private:
  using Time = batch::Time;
  static constexpr Time kBegin = Time() + std::chrono::hours(1);

  struct Verifier {
    flow::ParcelPtr verified = {};
    bool waits = false;  // for room in the batch queue
  };
  struct Writer {
    explicit Writer(store::CommitProtocol::Options options, stats::Block& stats)
        : protocol(std::move(options), stats) {}
    store::CommitProtocol protocol;
    batch::Batch batch;
    process::BatchRows rows;
    Time wakes{};  // from Step::wait
    bool waits = false;
    std::optional<Statement> sent;  // and not executed yet
    std::optional<Answer> answer;   // and not received yet
  };

  template <typename F>
  void post(F action);
  net::ReadTime clocks() const;
  bool verifier_step(Verifier& verifier, std::size_t which);
  bool writer_step(Writer& writer, std::size_t which);
  bool take_batch(Writer& writer, std::size_t which);
  void ask(Writer& writer, std::size_t which);
  void give(Writer& writer, std::size_t which);
  void connection_lost(Writer& writer, std::size_t which);
  void failed(Writer& writer, const store::DatabaseError& error);
  void settled(Writer& writer, std::size_t which);
  void finish(batch::Batch batch);

  Chance& chance_;
  const Kinds& kinds_;
  FakeDatabase& database_;

  std::unique_ptr<stats::Block> stats_ = std::make_unique<stats::Block>();
  const std::int64_t wall_begin_us_;  // since the Unix epoch: what lines are stamped with
  Time now_ = kBegin;
  Time tended_ = kBegin;
  std::optional<Time> gathered_at_;  // a parcel that waits for more
  const bool slow_;                  // much time passes from step to step, and deadlines are short
  const std::size_t budget_bytes_;
  const std::size_t parcel_rows_;
  const std::size_t batch_capacity_rows_;

  flow::Gate gate_;
  flow::ChunkPool chunks_{gate_};
  verify::OfferQueue verify_queue_;
  process::Intake intake_;
  net::Connections connections_;
  batch::BatchQueue batches_;
  std::vector<Verifier> verifiers_;
  std::vector<std::unique_ptr<Writer>> writers_;

  bool loop_is_idle_ = false;
  bool draining_ = false;
  bool left_ = false;
  std::size_t connections_made_ = 0;
  std::uint64_t gate_holds_ = 0;
  std::uint64_t batches_full_ = 0;
  std::vector<std::uint64_t> committed_ = std::vector<std::uint64_t>(kTransactions);
  std::vector<std::uint64_t> duplicates_ = std::vector<std::uint64_t>(kTransactions);
};

}  // namespace txindex::sim
