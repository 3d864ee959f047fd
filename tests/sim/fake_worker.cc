#include "sim/fake_worker.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace txindex::sim {
namespace {

namespace asio = boost::asio;
using Step = store::CommitProtocol::Step;

constexpr std::int64_t kCenturyUs = 100LL * 366 * 86'400 * 1'000'000;
constexpr std::chrono::microseconds kLinger(2000);
constexpr auto kSecond = std::chrono::seconds(1);
constexpr net::DeadlineLimits kShortDeadlines = {
    .hello_us = 3'000'000, .frame_us = 3'000'000, .idle_us = 5'000'000, .answers_us = 4'000'000};

// One for all schedules: making it costs more than a schedule.
asio::io_context& the_loop() {
  static asio::io_context loop(1);
  static const auto work = asio::make_work_guard(loop);
  return loop;
}

}  // namespace

template <typename F>
void FakeWorker::post(F action) {
  loop_is_idle_ = false;
  asio::post(the_loop(), std::move(action));
}

FakeWorker::FakeWorker(Chance& chance, const Kinds& kinds, FakeDatabase& database)
    : chance_(chance),
      kinds_(kinds),
      database_(database),
      wall_begin_us_(stamp_of(0) + static_cast<std::int64_t>(chance.below(kRule.interval_us))),
      slow_(chance.percent(30)),
      budget_bytes_(limits::kSmallChunkBytes * (1 + chance.below(5))),
      parcel_rows_(1 + chance.below(5)),
      batch_capacity_rows_(1 + chance.below(12)),
      gate_(budget_bytes_, *stats_),
      verify_queue_(1 + chance.below(3), *stats_, [this] { post([this] { intake_.room(); }); }),
      intake_(
          {.max_future_us = kCenturyUs,
           .max_age_us = kCenturyUs,
           .max_rows = parcel_rows_,
           .max_bytes = 64 * limits::kKiB,
           .lanes = 1 + chance.below(4),
           .gather_us = kLinger.count() / 2},
          gate_,
          [this](flow::ParcelPtr& parcel) {
            if (verify_queue_.offer(parcel)) return true;
            ++gate_holds_;
            return false;
          },
          [this] { post([this] { intake_.hand_over(); }); },
          [this](std::int64_t at_us) { gathered_at_ = Time(std::chrono::microseconds(at_us)); }),
      connections_(the_loop(), gate_, chunks_, intake_, *stats_,
                   {.deadlines = slow_ ? kShortDeadlines : net::DeadlineLimits()},
                   [this] { return clocks(); }),
      batches_({.max_rows = parcel_rows_ * (1 + chance.below(3)),
                .max_bytes = 64 * limits::kKiB,
                .linger = kLinger,
                .crowd_rows = 1 + chance.below(4),
                .many_rows = 1 + chance.below(8),
                .long_linger = 3 * kLinger,
                .beside_rows = 1 + chance.below(12),
                .beside_linger = 5 * kLinger,
                .late_linger_max = 3 * kLinger},
               batch_capacity_rows_, *stats_),
      verifiers_(1 + chance.below(2)) {
  for (std::size_t n = 1 + chance.below(3); n > 0; --n) {
    writers_.push_back(std::make_unique<Writer>(
        store::CommitProtocol::Options{
            .address = "fake",
            .index_level = IndexLevel::accounts,
            .rule = kRule,
            .backoff_min = std::chrono::milliseconds(50),
            .backoff_max = std::chrono::milliseconds(5000),
            .backoff_seed = static_cast<std::uint32_t>(chance.below(1'000'000)),
            .now = [this] { return now_; }},
        *stats_));
  }
}

FakeWorker::~FakeWorker() = default;

net::ReadTime FakeWorker::clocks() const {
  const auto us = [](auto time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  };
  return {wall_begin_us_ + us(now_ - kBegin), us(now_.time_since_epoch())};
}

void FakeWorker::add(int socket) {
  ++connections_made_;
  connections_.add(asio::ip::tcp::socket(the_loop(), asio::ip::tcp::v4(), socket));
}

void FakeWorker::drain() {
  draining_ = true;
  loop_is_idle_ = false;
  connections_.drain([this] { left_ = true; });
}

bool FakeWorker::loop_step() {
  if (loop_is_idle_) return false;
  const bool did = the_loop().poll_one() > 0;
  loop_is_idle_ = !did;
  chance_.note(did ? "loop turns" : "loop is idle");
  return did;
}

void FakeWorker::let_time_pass() {
  std::optional<Time> next = batches_.due();
  for (const auto& writer : writers_) {
    if (writer->waits && (!next || writer->wakes < *next)) next = writer->wakes;
  }
  if (gathered_at_ && (!next || *gathered_at_ < *next)) next = gathered_at_;
  const Time to = std::max(now_, next.value_or(now_)) +
                  std::chrono::microseconds(chance_.below(slow_ ? 1'000'000 : 3000));
  now_ = std::min(to, now_ + kSecond);
  if (gathered_at_ && *gathered_at_ <= now_) {
    gathered_at_.reset();
    post([this] {
      chance_.note("a parcel is gathered");
      intake_.gathered();
    });
  }
  if (now_ < tended_ + kSecond) return;
  tended_ = now_;
  post([this] {
    chance_.note("connections are tended");
    connections_.tend();
  });
}

bool FakeWorker::thread_step() {
  const std::size_t threads = verifiers_.size() + writers_.size();
  const std::size_t first = chance_.below(threads);
  for (std::size_t i = 0; i < threads; ++i) {
    const std::size_t which = (first + i) % threads;
    const bool did = which < verifiers_.size()
                         ? verifier_step(verifiers_[which], which)
                         : writer_step(*writers_[which - verifiers_.size()], which);
    if (did) return true;
  }
  return false;
}

// --- Verify threads ------------------------------------------------------------------------------

bool FakeWorker::verifier_step(Verifier& verifier, std::size_t which) {
  if (verifier.verified) {
    const std::size_t rows = verifier.verified->size();
    const bool waited = std::exchange(verifier.waits, true);
    const Time since{
        std::chrono::microseconds(verifier.verified->items.front().received_steady_us)};
    if (!batches_.try_push(verifier.verified, since, now_)) {
      if (!waited) ++batches_full_;
      return false;
    }
    verifier.waits = false;
    chance_.note("parcel verified", which, rows);
    return true;
  }
  if (verify_queue_.empty()) return false;
  verifier.verified = *verify_queue_.take();
  auto& parcel = *verifier.verified;
  chance_.note("parcel taken", which, parcel.size());
  for (std::size_t i = 0; i < parcel.size(); ++i) {
    const std::size_t number = number_of(parcel.table.transactions[i].txid);
    check(number < kTransactions, "a parcel holds what was sent");
    if (kinds_[number] == Kind::bad_signature) {
      parcel.items[i].outcome = wire::Outcome::bad_signature;
    }
  }
  return true;
}

// --- Writers -------------------------------------------------------------------------------------

bool FakeWorker::take_batch(Writer& writer, std::size_t which) {
  writer.batch = batches_.try_take(now_);
  if (writer.batch.empty()) return false;
  const auto rows = writer.rows.collect(writer.batch);
  chance_.note("writer takes rows", which, rows.size());
  if (!rows.empty()) writer.protocol.begin(rows);
  if (writer.protocol.step() == Step::done) settled(writer, which);
  return true;
}

bool FakeWorker::writer_step(Writer& writer, std::size_t which) {
  if (writer.batch.empty()) return take_batch(writer, which);
  if (writer.waits) {
    if (writer.wakes > now_) return false;
    writer.waits = false;
    writer.protocol.waited();
  } else if (writer.answer) {
    give(writer, which);
  } else if (writer.sent) {
    // It is slow sometimes: then somebody else has the next step.
    if (!database_.up() || (database_.troubled() && chance_.percent(3))) {
      connection_lost(writer, which);
    } else {
      writer.answer = database_.execute(*writer.sent);
      writer.sent.reset();
      chance_.note("executed", which);
    }
  } else {
    ask(writer, which);
  }
  if (writer.protocol.step() == Step::done) settled(writer, which);
  return true;
}

void FakeWorker::ask(Writer& writer, std::size_t which) {
  const Step step = writer.protocol.step();
  chance_.note("writer asks", which, static_cast<std::uint64_t>(step));
  switch (step) {
    case Step::wait:
      writer.waits = true;
      writer.wakes = now_ + writer.protocol.pause();
      break;
    case Step::connect:
      if (const auto error = database_.connect()) {
        failed(writer, *error);
      } else {
        writer.protocol.connected();
      }
      break;
    default:
      check(writer.protocol.has_session(), "a statement is sent on a session", which);
      writer.sent = statement_for(writer.protocol);
  }
}

void FakeWorker::connection_lost(Writer& writer, std::size_t which) {
  const auto error = database_.lose(*writer.sent);
  writer.sent.reset();
  chance_.note("connection lost", which);
  failed(writer, error);
}

void FakeWorker::failed(Writer& writer, const store::DatabaseError& error) {
  writer.protocol.failed(error);
}

// The answer arrives; or it does not, though the statement was executed.
void FakeWorker::give(Writer& writer, std::size_t which) {
  const Answer answer = *std::exchange(writer.answer, std::nullopt);
  auto& protocol = writer.protocol;
  if (!database_.up() || (database_.troubled() && chance_.percent(5))) {
    chance_.note("the answer is lost", which);
    return failed(writer, {store::Verdict::broken, true, "", "the connection is lost"});
  }
  if (answer.error) return failed(writer, *answer.error);
  chance_.note("answer", which, answer.written.new_ids.size());
  switch (protocol.step()) {
    case Step::next_block:
      return protocol.block_taken(answer.number);
    case Step::make_partitions:
      return protocol.partitions_made(static_cast<int>(answer.number));
    case Step::copy:
    case Step::insert:
      return protocol.inserted(answer.written);
    case Step::barrier:
      return protocol.barrier_passed(answer.durable);
    case Step::find_present:
      return protocol.found_present(answer.ids);
    default:
      broken("only statements have answers", which);
  }
}

void FakeWorker::settled(Writer& writer, std::size_t which) {
  writer.rows.hand_back();
  chance_.note("batch settled", which, writer.batch.size());
  post([this, done = std::move(writer.batch)]() mutable { finish(std::move(done)); });
  writer.batch.clear();
  batches_.settled();
}

void FakeWorker::finish(batch::Batch batch) {
  for (auto& parcel : batch) {
    for (std::size_t i = 0; i < parcel->size(); ++i) {
      const std::size_t number = number_of(parcel->table.transactions[i].txid);
      const auto outcome = parcel->items[i].outcome;
      chance_.note("outcome", number, static_cast<std::uint64_t>(outcome));
      if (outcome == wire::Outcome::committed) {
        ++committed_[number];
        check(database_.durable(number), "what is acknowledged is durable", number);
      }
      if (outcome == wire::Outcome::duplicate) {
        ++duplicates_[number];
        check(database_.durable(number), "a duplicate is of a row that is there for good", number);
      }
    }
    process::complete(*parcel, clocks().steady_us, *stats_);
    intake_.recycle(std::move(parcel));
  }
  connections_.flush();
}

// --- What must hold ------------------------------------------------------------------------------

std::uint64_t FakeWorker::received() const {
  return stats::get(*stats_, stats::Word::received);
}

void FakeWorker::check_bounds() {
  check(gate_.in_flight_bytes() <= budget_bytes_ + connections_made_ * limits::kLargeChunkBytes,
        "bytes in flight are bounded", gate_.in_flight_bytes());
  check(batches_.rows() < batch_capacity_rows_ + parcel_rows_, "the batch queue is bounded",
        batches_.rows());
}

void FakeWorker::check_end() {
  check(connections_.size() == 0, "a drained worker has no connection");
  check(gate_.in_flight_bytes() == 0, "all credit comes back", gate_.in_flight_bytes());
  check(chunks_.outstanding() == 0, "all chunks come back", chunks_.outstanding());
  check(!gate_.held(), "a gate that was held is released");
  check(batches_.rows() == 0 && verify_queue_.empty(), "nothing is left in a queue");
  for (const auto& writer : writers_)
    check(writer->batch.empty(), "nothing is left in a writer's hands");
  std::uint64_t outcomes = 0;
  for (std::size_t i = 0; i < wire::kOutcomeCount; ++i) {
    outcomes += stats::get(
        *stats_,
        static_cast<stats::Word>(static_cast<std::size_t>(stats::Word::outcome_committed) + i));
  }
  check(outcomes == received(), "every transaction has one outcome", outcomes);
}

void FakeWorker::check_table() const {
  for (std::size_t number = 0; number < kTransactions; ++number) {
    const std::uint64_t rows = database_.has(number) ? 1 : 0;
    // One that cannot be sent again cannot be asked after either.
    const bool in_doubt = kinds_[number] == Kind::bad_when_there && committed_[number] == 0;
    check(committed_[number] == rows || in_doubt,
          "a row is there if, and only if, it was called committed, once", number);
    check(duplicates_[number] == 0 || database_.has(number), "a duplicate is of a row", number);
  }
}

Tally FakeWorker::tally() const {
  Tally t;
  t.received = received();
  t.committed = stats::get(*stats_, stats::Word::outcome_committed);
  t.duplicates = stats::get(*stats_, stats::Word::outcome_duplicate);
  t.bisections = stats::get(*stats_, stats::Word::postgres_bisections);
  t.ambiguous = stats::get(*stats_, stats::Word::postgres_ambiguous);
  t.retries = stats::get(*stats_, stats::Word::postgres_retries);
  t.gate_waits = stats::get(*stats_, stats::Word::in_flight_waits);
  t.gate_holds = gate_holds_;
  for (const auto reason : {stats::Word::overdue_hello, stats::Word::overdue_frame,
                            stats::Word::overdue_idle, stats::Word::overdue_answers}) {
    t.overdue += stats::get(*stats_, reason);
  }
  t.batches_full = batches_full_;
  return t;
}

}  // namespace txindex::sim
