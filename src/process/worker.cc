// A worker joins the stages: nothing but this file knows more than one of them.
//
//   connections -> intake -> verify pool -> batch queue -> writers -> loop -> connections
//      loop         loop     its threads                   their threads
//
// It ends by draining: when the supervisor says DRAIN (or SIGTERM, or the end of the control
// socket, when the supervisor is no more) it stops accepting, tells its producers, and leaves when
// the last connection is gone, which is when every transaction received has been answered.
#include "process/worker.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <thread>

#include "access/guard.h"
#include "batch/batch_queue.h"
#include "flow/clock.h"
#include "flow/gate.h"
#include "flow/test_switches.h"
#include "log/log.h"
#include "net/connections.h"
#include "net/listener.h"
#include "process/batch_rows.h"
#include "process/control.h"
#include "process/heartbeat.h"
#include "process/intake.h"
#include "process/reservation.h"
#include "process/sandbox.h"
#include "process/sandbox_trial.h"
#include "process/writers.h"
#include "store/connection_string.h"
#include "store/maintenance.h"
#include "store/pg_store.h"
#include "verify/signature.h"
#include "verify/verify_pool.h"

namespace txindex::process {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kTick = std::chrono::milliseconds(100);
constexpr unsigned kTicksPerTend = 10;
// A parcel holds up to 256 transactions: this is about what the threads do in a fifth of a second.
constexpr std::size_t kVerifyQueueParcelsPerThread = 16;
// In the batch queue: for each writer the batch that it takes next, and one more.
constexpr std::size_t kBatchesWaitingPerWriter = 2;
constexpr std::size_t kDescriptorsReserved = 32;
constexpr std::int64_t kFullWarningUs = 5'000'000;

store::PgStore::Options store_options(const config::Config& config) {
  store::PgStore::Options options;
  options.conninfo = config.database;
  options.index_level = config.index_level;
  options.dedup_window = std::chrono::duration_cast<std::chrono::seconds>(config.dedup_window);
  options.partition_interval =
      std::chrono::duration_cast<std::chrono::seconds>(config.partition_interval);
  options.allow_unsafe_durability = config.allow_unsafe_durability;
  if (config.statement_timeout) {
    options.statement_timeout =
        std::chrono::ceil<std::chrono::milliseconds>(*config.statement_timeout);
  }
  return options;
}

store::Maintenance::Options maintenance_options(const config::Config& config) {
  store::Maintenance::Options options;
  options.conninfo = config.database;
  options.partition_interval =
      std::chrono::duration_cast<std::chrono::seconds>(config.partition_interval);
  options.retention = config.retention;
  return options;
}

net::ConnectionLimits connection_limits(const config::Config& config) {
  net::ConnectionLimits limits;
  limits.per_address = config.max_connections_per_address;
  limits.deadlines.hello_us = config.hello_timeout.count();
  limits.deadlines.frame_us = config.frame_timeout.count();
  limits.deadlines.answers_us = config.answers_timeout.count();
  limits.deadlines.idle_us = config.idle_timeout ? config.idle_timeout->count() : 0;
  return limits;
}

Sandbox sandbox(const config::Config& config) {
  return {.role = SandboxRole::worker,
          .readable = store::files_of(config.database),
          .abstract_sockets = store::has_abstract_socket(config.database)};
}

int verify_threads(const config::Config& config) {
  return config::effective_verify_threads(config, config::available_cores());
}

std::int64_t in_us(std::chrono::microseconds time) {
  return time.count();
}

class Worker {
 public:
  Worker(const config::Config& config, const WorkerEnvironment& environment, access::Guard guard);
  int run();

 private:
  std::vector<std::unique_ptr<store::PgStore>> make_stores() const;
  void connect_stores();
  void ready();
  int failed(const Failure& failure);
  result<void> tell(Message message, int fd = -1);
  void watch_control();
  result<int> listening_socket();
  void on_message(Received received);
  void serve(int slot, int descriptor);
  void drain(const char* why, bool empty_queues);
  void leave();
  void finish(batch::Batch batch);
  void tick();
  void spin_if_a_test_says_so() const;
  void warn_when_full();

  const config::Config& config_;
  const WorkerEnvironment environment_;
  stats::Block& stats_;
  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(loop_);
  asio::posix::stream_descriptor control_{loop_};
  asio::signal_set signals_{loop_, SIGTERM};
  asio::steady_timer tick_timer_{loop_};

  const access::Guard guard_;
  flow::Gate gate_;
  flow::ChunkPool chunks_{gate_};
  Intake intake_;
  net::Connections connections_;
  batch::BatchQueue batches_;
  verify::VerifyPool verify_;

  std::vector<std::unique_ptr<store::PgStore>> connecting_;
  std::thread connector_;
  std::unique_ptr<Writers> writers_;
  std::unique_ptr<store::Maintenance> maintenance_;
  std::size_t connections_max_ = 0;
  std::map<int, std::shared_ptr<net::Listener>> listeners_;  // by the slot that they belong to
  bool draining_ = false;
  int exit_status_ = 0;
  unsigned ticks_ = 0;
  std::int64_t full_since_us_ = 0;
  Heartbeat heartbeat_{stats_};
};

Worker::Worker(const config::Config& config, const WorkerEnvironment& environment,
               access::Guard guard)
    : config_(config),
      environment_(environment),
      stats_(*environment.stats),
      guard_(std::move(guard)),
      gate_(config.in_flight_bytes, stats_),
      intake_(
          {.max_future_us = in_us(config.time_max_future),
           .max_age_us = in_us(config.time_max_age),
           .max_rows = config.batch_max_rows,
           .max_bytes = config.batch_max_bytes},
          gate_, [this](flow::ParcelPtr& parcel) { return verify_.offer(parcel); },
          [this] { asio::post(loop_, [this] { intake_.hand_over(); }); }),
      connections_(loop_, gate_, chunks_, intake_, stats_, connection_limits(config)),
      batches_({.max_rows = config.batch_max_rows,
                .max_bytes = config.batch_max_bytes,
                .linger = config.batch_linger},
               config.batch_max_rows * kBatchesWaitingPerWriter *
                   static_cast<std::size_t>(config.writers),
               stats_),
      verify_(
          {.threads = verify_threads(config),
           .queue_parcels =
               kVerifyQueueParcelsPerThread * static_cast<std::size_t>(verify_threads(config))},
          stats_, [this](flow::ParcelPtr parcel) { batches_.push(std::move(parcel)); },
          [this] { asio::post(loop_, [this] { intake_.room(); }); }) {}

// How many connections the limit of descriptors allows beside everything else that needs one: a
// crowd of producers must never keep a writer from its connection to PostgreSQL.
std::size_t connections_allowed(const config::Config& config) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return config.max_connections;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const std::size_t reserve = kDescriptorsReserved + 2 * static_cast<std::size_t>(config.writers);
  if (files.rlim_cur >= config.max_connections + reserve) return config.max_connections;
  const std::size_t allowed = files.rlim_cur > reserve ? files.rlim_cur - reserve : 1;
  log::event(log::Level::warning, "the limit of open files (ulimit -n) allows fewer connections",
             {{"limits.max_connections", config.max_connections}, {"allowed", allowed}});
  return allowed;
}

int Worker::run() {
  control_.assign(environment_.control_fd);
  watch_control();
  signals_.async_wait([this](const error_code& cancelled, int) {
    if (!cancelled) drain("SIGTERM", true);
  });
  tick();
  connections_.guard(guard_);
  if (environment_.generation == 1) flow::crash_early();
  // Before the database answers: those who connect meanwhile wait, and are not refused.
  const auto descriptor = listening_socket();
  if (!descriptor) return failed(descriptor.error());
  connections_max_ = connections_allowed(config_);
  listeners_[environment_.slot] =
      std::make_shared<net::Listener>(*descriptor, connections_, connections_max_);
  connecting_ = make_stores();
  connector_ = std::thread([this] { connect_stores(); });

  loop_.run();

  if (connector_.joinable()) connector_.join();
  verify_.stop();
  batches_.close();
  if (writers_) writers_->join();
  return exit_status_;
}

// The slot's, or a new one of which the supervisor gets a duplicate before anything else: whatever
// becomes of this process, who has connected meanwhile waits for its replacement.
result<int> Worker::listening_socket() {
  if (environment_.listen_fd >= 0) return environment_.listen_fd;
  auto descriptor = net::open_listener(environment_.listen);
  if (!descriptor) return descriptor;
  const Message deposit{.type = MessageType::listener};
  if (auto told = tell(deposit, *descriptor); !told) return told.error();
  return descriptor;
}

int Worker::failed(const Failure& failure) {
  exit_status_ = failure.exit_status;
  // The supervisor says it, once for all its workers.
  if (!tell({.type = MessageType::failed, .value = exit_status_, .text = failure.message})) {
    log::critical("{}", failure.message);
  }
  return exit_status_;
}

result<void> Worker::tell(Message message, int fd) {
  message.slot = environment_.slot;
  message.pid = ::getpid();
  message.generation = environment_.generation;
  return send_message(environment_.control_fd, message, fd);
}

std::vector<std::unique_ptr<store::PgStore>> Worker::make_stores() const {
  std::vector<std::unique_ptr<store::PgStore>> stores;
  stores.reserve(static_cast<std::size_t>(config_.writers));
  for (int i = 0; i < config_.writers; ++i) {
    stores.push_back(std::make_unique<store::PgStore>(store_options(config_), stats_));
  }
  return stores;
}

// Waits for the database on a thread of its own, so that the loop can be told to leave meanwhile.
void Worker::connect_stores() {
  if (!environment_.patient) {
    // The service is being started: what is wrong with the database should end the attempt.
    if (auto usable = store::PgStore::probe(store_options(config_)); !usable) {
      asio::post(loop_, [this, problem = usable.error()] {
        failed(problem);
        drain("the database does not serve", false);
      });
      return;
    }
  }
  for (auto& store : connecting_) {
    if (!store->connect()) return;
  }
  asio::post(loop_, [this] { ready(); });
}

void Worker::ready() {
  if (draining_) return;
  std::vector<std::unique_ptr<store::Store>> stores;
  stores.reserve(connecting_.size());
  for (auto& store : connecting_)
    stores.push_back(std::move(store));
  connecting_.clear();
  writers_ =
      std::make_unique<Writers>(std::move(stores), batches_, stats_, [this](batch::Batch batch) {
        asio::post(loop_, [this, done = std::move(batch)]() mutable { finish(std::move(done)); });
      });
  maintenance_ = std::make_unique<store::Maintenance>(maintenance_options(config_), stats_);
  // The last thing before strangers are let in.
  if (config_.sandbox) {
    if (const auto confined = confine_calls(sandbox(config_)); !confined) {
      failed(confined.error());
      return drain("it cannot be confined", false);
    }
  }
  try_what_is_forbidden();
  for (auto& [slot, listener] : listeners_)
    listener->start();
  stats::set(stats_, stats::Word::listeners, listeners_.size());
  // A supervisor that is gone is noticed by watch_control().
  if (tell({.type = MessageType::ready})) log::debug("ready");
}

void Worker::watch_control() {
  control_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& problem) {
    if (problem) return;
    Received received = receive_message(environment_.control_fd);
    switch (received.status) {
      case Received::Status::closed:
        return drain("the supervisor is gone", true);
      case Received::Status::invalid:
        log::error("control: {}", received.problem);
        break;
      case Received::Status::message:
        on_message(std::move(received));
        break;
      case Received::Status::nothing:
        break;
    }
    watch_control();
  });
}

void Worker::on_message(Received received) {
  const int slot = static_cast<int>(received.message.value);
  switch (received.message.type) {
    case MessageType::drain:
      return drain("DRAIN", received.message.value != 0);
    case MessageType::adopt:
      if (received.descriptor) serve(slot, received.descriptor.release());
      return;
    case MessageType::disown:
      if (slot != environment_.slot && listeners_.contains(slot)) {
        log::event(log::Level::info, "leaving a queue to others", {{"queue", slot}});
        listeners_.extract(slot).mapped()->leave();
      }
      stats::set(stats_, stats::Word::listeners, listeners_.size());
      return;
    case MessageType::reopen_logs:
      return received.descriptor ? log::reopen(received.descriptor.release(), received.message.text)
                                 : log::reopen();
    default:
      return;
  }
}

// A sibling's queue, for as long as the sibling cannot serve it.
void Worker::serve(int slot, int descriptor) {
  if (draining_ || listeners_.contains(slot)) {
    ::close(descriptor);
    return;
  }
  log::event(log::Level::info, "serving a sibling's queue too", {{"queue", slot}});
  auto& listener = listeners_[slot] =
      std::make_shared<net::Listener>(descriptor, connections_, connections_max_);
  listener->start();
  stats::set(stats_, stats::Word::listeners, listeners_.size());
}

// `empty_queues`: nobody comes after this process, so those who wait to be accepted are taken in,
// to be told.
void Worker::drain(const char* why, bool empty_queues) {
  if (draining_) return;
  draining_ = true;
  log::debug("draining: {}", why);
  for (auto& [slot, listener] : listeners_)
    empty_queues ? listener->stop() : listener->leave();
  listeners_.clear();
  for (auto& store : connecting_)
    store->stop();
  // Its successor takes over, or another worker does.
  if (maintenance_) maintenance_->stop();
  // Should nobody be there to end a worker that cannot finish, the kernel does (SIGALRM): nothing
  // that was acknowledged depends on what is left.
  ::alarm(static_cast<unsigned>(
      std::chrono::ceil<std::chrono::seconds>(config_.drain_timeout).count() + 1));
  connections_.drain([this] { leave(); });
}

void Worker::leave() {
  error_code ignored;
  signals_.cancel(ignored);
  control_.release();
  tick_timer_.cancel();
  work_.reset();
}

// A batch has come back: every item has its outcome.
void Worker::finish(batch::Batch batch) {
  const std::int64_t now = flow::steady_us();
  for (auto& parcel : batch) {
    complete(*parcel, now, stats_);
    intake_.recycle(std::move(parcel));
  }
  connections_.flush();
}

void Worker::tick() {
  heartbeat_.beat();
  warn_when_full();
  spin_if_a_test_says_so();
  if (++ticks_ % kTicksPerTend == 0) {
    connections_.tend();
    log::tend();
  }
  tick_timer_.expires_after(kTick);
  tick_timer_.async_wait([this](const error_code& cancelled) {
    // A tick that was due already when the timer was cancelled says nothing of it.
    if (!cancelled && work_.owns_work()) tick();
  });
}

// An event loop that does not turn, for the tests of the watchdog. In no released program.
void Worker::spin_if_a_test_says_so() const {
  if (!flow::spins(environment_.slot)) return;
  volatile bool spin = writers_ && environment_.generation == 1;
  while (spin) {
  }
}

// Full for a moment is the design at work; full for long means that a later stage cannot keep up.
void Worker::warn_when_full() {
  if (!gate_.held() && gate_.in_flight_bytes() < config_.in_flight_bytes) {
    if (full_since_us_ < 0) log::info("producers are read again at full rate");
    full_since_us_ = 0;
    return;
  }
  const std::int64_t now = flow::steady_us();
  if (full_since_us_ == 0) full_since_us_ = now;
  if (full_since_us_ > 0 && now - full_since_us_ > kFullWarningUs) {
    log::event(log::Level::warning, "producers have been slowed for 5 s",
               {{"in_flight_bytes", gate_.in_flight_bytes()},
                {"verify_queue", stats::get(stats_, stats::Word::verify_queue)},
                {"batch_queue", stats::get(stats_, stats::Word::batch_queue)},
                {"postgres_connected", stats::get(stats_, stats::Word::postgres_connected)},
                {"writers", config_.writers}});
    full_since_us_ = -1;  // said
  }
}

}  // namespace

bool worker_may_read(const config::Config& config, const std::string& file) {
  return may_read(sandbox(config), file);
}

int run_worker(const config::Config& config, const WorkerEnvironment& environment) {
  // A terminal's Ctrl-C goes to every process of the group; what to do about it is the supervisor's
  // to say. A peer that is gone is an error code, not a signal.
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  verify::initialise();
  const auto refused = [&](const Failure& failure) {
    if (!tell_failure(environment.control_fd, failure)) log::critical("{}", failure.message);
    return failure.exit_status;
  };
  // With what this process has read: the supervisor may know an older configuration.
  const auto inherited =
      environment.listen_fd < 0 ? std::nullopt : local_address(environment.listen_fd);
  if (const auto ok = may_serve(config, inherited.value_or(environment.listen)); !ok)
    return refused(ok.error());
  // While the files of tokens and keys can still be read; later they need not be.
  auto guard = access::Guard::load(config, *environment.tokens);
  if (!guard) return refused(guard.error());
  // Before there are threads, and before PostgreSQL is connected to: if that can be done now, it
  // can be done again later.
  if (config.sandbox) {
    if (const auto confined = confine_files(sandbox(config)); !confined)
      return refused(confined.error());
  }
  return Worker(config, environment, *std::move(guard)).run();
}

}  // namespace txindex::process
