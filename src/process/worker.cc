// A worker joins the stages: nothing but this file, and worker_options.cc, which says what each is
// told, knows more than one of them.
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
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

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
#include "process/overload_warning.h"
#include "process/reservation.h"
#include "process/sandbox.h"
#include "process/sandbox_trial.h"
#include "process/served_queues.h"
#include "process/store_connector.h"
#include "process/supervisor_link.h"
#include "process/worker_options.h"
#include "process/writers.h"
#include "store/maintenance.h"
#include "verify/backend.h"
#include "verify/verify_pool.h"

namespace txindex::process {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kTick = std::chrono::milliseconds(100);
constexpr unsigned kTicksPerTend = 10;
constexpr std::size_t kDescriptorsReserved = 32;

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

class Worker {
 public:
  Worker(const config::Config& config, const WorkerEnvironment& environment, access::Guard guard);
  int run();

 private:
  void run_loop();
  void end_without_those_that_hang();
  void connect_stores();
  void ready();
  int failed(const Failure& failure);
  result<int> listening_socket();
  void on_message(Received received);
  void drain(const char* why, bool empty_queues);
  void leave();
  void gather_until(std::int64_t at_us);
  void finish(batch::Batch batch);
  void tick();
  void spin_if_a_test_says_so() const;

  const config::Config& config_;
  const WorkerEnvironment environment_;
  stats::Block& stats_;
  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(loop_);
  SupervisorLink supervisor_;
  asio::signal_set signals_{loop_, SIGTERM};
  asio::steady_timer tick_timer_{loop_};
  asio::steady_timer gather_timer_{loop_};

  const access::Guard guard_;
  flow::Gate gate_;
  flow::ChunkPool chunks_{gate_};
  Intake intake_;
  net::Connections connections_;
  batch::BatchQueue batches_;
  verify::VerifyPool verify_;

  Rest rest_;
  StoreConnector connector_;
  std::unique_ptr<Writers> writers_;
  std::unique_ptr<store::Maintenance> maintenance_;
  ServedQueues queues_;
  bool draining_ = false;
  int exit_status_ = 0;
  unsigned ticks_ = 0;
  OverloadWarning overload_;
  Heartbeat heartbeat_{stats_};
};

Worker::Worker(const config::Config& config, const WorkerEnvironment& environment,
               access::Guard guard)
    : config_(config),
      environment_(environment),
      stats_(*environment.stats),
      supervisor_(loop_, environment.control_fd, environment.slot, environment.generation),
      guard_(std::move(guard)),
      gate_(config.in_flight_bytes, stats_),
      intake_(
          intake_options(config), gate_,
          [this](flow::ParcelPtr& parcel) { return verify_.offer(parcel); },
          [this] { asio::post(loop_, [this] { intake_.hand_over(); }); },
          [this](std::int64_t at_us) { gather_until(at_us); }),
      connections_(loop_, gate_, chunks_, intake_, stats_, connection_limits(config)),
      batches_(batch_options(config), batch_capacity_rows(config), stats_),
      verify_(
          verify_options(config), stats_,
          [this](flow::ParcelPtr parcel) { batches_.push(std::move(parcel)); },
          [this] { asio::post(loop_, [this] { intake_.room(); }); }),
      connector_(store_options(config), config.writers, stats_),
      queues_(environment.slot, connections_, connections_allowed(config), stats_),
      overload_(gate_, config.in_flight_bytes, config.writers, stats_) {}

int Worker::run() {
  supervisor_.listen(
      [this](Received received) { on_message(std::move(received)); },
      [this] {
        log::warn("the supervisor is gone: finishing what was received, then ending");
        drain("the supervisor is gone", true);
      });
  signals_.async_wait([this](const error_code& cancelled, int) {
    if (!cancelled) drain("SIGTERM", true);
  });
  tick();
  connections_.guard(guard_);
  if (environment_.generation == 1) flow::crash_early();
  // Before the database answers: those who connect meanwhile wait, and are not refused.
  const auto descriptor = listening_socket();
  if (!descriptor) return failed(descriptor.error());
  queues_.hold_own(*descriptor);
  connect_stores();

  run_loop();

  connector_.join();
  verify_.stop();
  batches_.close();
  end_without_those_that_hang();
  return exit_status_;
}

// All is written. A thread that waits for a database that does not answer, to look after it, would
// keep this process for as long as libpq waits for each address; nothing is lost with it.
void Worker::end_without_those_that_hang() {
  constexpr std::chrono::milliseconds kGrace{300};
  const bool written = !writers_ || writers_->finish(kGrace);
  if (written && (!maintenance_ || maintenance_->ended(kGrace))) return;
  log::finish();
  ::_exit(exit_status_);
}

// Until it has nothing more to wait for. When nothing is ready and the worker is busy, it rests
// before it reads on; outcomes are told at once.
void Worker::run_loop() {
  Coalescing coalescing(coalescing_options(config_));
  while (loop_.run_one() != 0) {
    rest_.begin_turn();
    loop_.poll();
    const std::int64_t rest_us =
        coalescing.rest_us(flow::steady_us(), stats::get(stats_, stats::Word::received));
    if (rest_us != 0) rest_.wait_for(std::chrono::microseconds(rest_us));
  }
}

// The slot's, or a new one.
result<int> Worker::listening_socket() {
  if (environment_.listen_fd >= 0) return environment_.listen_fd;
  auto descriptor = net::open_listener(environment_.listen);
  if (!descriptor) return descriptor;
  if (auto told = supervisor_.deposit(*descriptor); !told) return told.error();
  return descriptor;
}

int Worker::failed(const Failure& failure) {
  return exit_status_ = supervisor_.failed(failure);
}

void Worker::connect_stores() {
  connector_.start(
      environment_.patient, [this] { asio::post(loop_, [this] { ready(); }); },
      [this](const Failure& problem) {
        asio::post(loop_, [this, problem] {
          failed(problem);
          drain("the database does not serve", false);
        });
      });
}

void Worker::ready() {
  if (draining_) return;
  writers_ =
      std::make_unique<Writers>(connector_.take(), batches_, stats_, [this](batch::Batch batch) {
        asio::post(loop_, [this, done = std::move(batch)]() mutable { finish(std::move(done)); });
        rest_.wake();
      });
  maintenance_ = std::make_unique<store::Maintenance>(maintenance_options(config_), stats_);
  // The last thing before strangers are let in.
  if (config_.sandbox) {
    if (const auto confined = confine_calls(worker_sandbox(config_)); !confined) {
      failed(confined.error());
      return drain("it cannot be confined", false);
    }
  }
  try_what_is_forbidden();
  // Not before: a start that fails is one line.
  log::event(log::Level::info, "signatures are verified",
             {{"backend", verify::name(verify::backend())}});
  queues_.start();
  supervisor_.ready();
}

void Worker::on_message(Received received) {
  const int slot = static_cast<int>(received.message.value);
  switch (received.message.type) {
    case MessageType::drain:
      return drain("DRAIN", received.message.value != 0);
    case MessageType::adopt:
      if (received.descriptor) queues_.adopt(slot, received.descriptor.release());
      return;
    case MessageType::disown:
      return queues_.disown(slot);
    default:
      return;
  }
}

// `empty_queues`: nobody comes after this process, so those who wait to be accepted are taken in,
// to be told. Not before it is ready: what they have sent already could not be committed.
void Worker::drain(const char* why, bool empty_queues) {
  if (draining_) return;
  draining_ = true;
  log::debug("draining: {}", why);
  queues_.leave(empty_queues && writers_ != nullptr);
  connector_.stop();
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
  supervisor_.stop();
  tick_timer_.cancel();
  work_.reset();
}

void Worker::gather_until(std::int64_t at_us) {
  gather_timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::microseconds(at_us)));
  gather_timer_.async_wait([this](const error_code& cancelled) {
    if (!cancelled) intake_.gathered();
  });
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
  overload_.look();
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

}  // namespace

bool worker_may_read(const config::Config& config, const std::string& file) {
  return may_read(worker_sandbox(config), file);
}

int run_worker(const config::Config& config, const WorkerEnvironment& environment) {
  // A terminal's Ctrl-C goes to every process of the group; what to do about it is the supervisor's
  // to say. A peer that is gone is an error code, not a signal.
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  const auto refused = [&](const Failure& failure) {
    if (!tell_failure(environment.control_fd, failure)) log::critical("{}", failure.message);
    return failure.exit_status;
  };
  if (const auto ok = verify::start(config.verify_backend); !ok) return refused(ok.error());
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
    if (const auto confined = confine_files(worker_sandbox(config)); !confined)
      return refused(confined.error());
  }
  return Worker(config, environment, *std::move(guard)).run();
}

}  // namespace txindex::process
