#include "process/supervisor.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "txindex/limits.h"

#include "config/command_line.h"
#include "config/units.h"
#include "log/log.h"
#include "process/child_table.h"
#include "process/control.h"
#include "process/reservation.h"
#include "process/signals.h"
#include "process/summary.h"
#include "stats/block.h"
#include "stats/segment.h"

namespace txindex::process {
namespace {

using Clock = std::chrono::steady_clock;

// After a SIGKILL an end is a matter of the kernel alone; this is how long it is waited for.
constexpr auto kKillWait = std::chrono::seconds(1);

// For poll(): rounded up, so that what is due has come when it returns.
int milliseconds_until(std::optional<Clock::time_point> time) {
  if (!time) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*time - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

class Supervisor {
 public:
  Supervisor(const config::Config& config, const Program& program, Descriptor signals,
             Reservation reservation, stats::Segment segment, int workers)
      : config_(config),
        program_(program),
        signals_(std::move(signals)),
        reservation_(std::move(reservation)),
        segment_(std::move(segment)),
        table_(workers),
        controls_(static_cast<std::size_t>(workers)) {}

  int run();

 private:
  void start_due();
  result<pid_t> start_worker(int slot);
  void wait();

  void on_signals();
  void on_messages(int slot);
  void on_message(int slot, const Message& message);
  void on_deaths();
  void on_death(pid_t pid, int wait_status);
  void on_time();

  void fail_start(int slot, const std::string& reason, int status);
  void stop();
  void kill_all();
  void publish(int slot);

  Descriptor& control(int slot) { return controls_[static_cast<std::size_t>(slot)]; }
  std::string name(int slot) const {
    return "worker " + std::to_string(slot) + " (pid " + std::to_string(table_[slot].pid) + ")";
  }

  const config::Config& config_;
  const Program& program_;
  Descriptor signals_;
  Reservation reservation_;
  stats::Segment segment_;
  ChildTable table_;
  std::vector<Descriptor> controls_;  // the supervisor's ends, by slot; none without a process

  bool announced_ = false;     // every worker has been ready
  bool start_failed_ = false;  // before that
  bool child_ended_ = false;
  int signals_to_end_ = 0;
  bool killed_ = false;
  std::optional<Clock::time_point> deadline_;  // of the drain, then of the end after SIGKILL
  int exit_status_ = 0;
};

int Supervisor::run() {
  while (true) {
    start_due();
    if (table_.hopeless()) {
      log::critical("no worker can live: giving up");
      exit_status_ = kExitFailure;
      stop();
    }
    if (table_.stopping() && !table_.any_process()) break;
    if (killed_ && Clock::now() >= *deadline_) break;
    wait();
    on_signals();
    // What a child said before it died comes before its death.
    for (int slot = 0; slot < table_.size(); ++slot)
      on_messages(slot);
    if (std::exchange(child_ended_, false)) on_deaths();
    on_time();
  }
  if (announced_) {
    log::info("ended with status {}: {}", exit_status_, summary(segment_, table_.size()));
  }
  return exit_status_;
}

// --- Starting ----------------------------------------------------------------------------------

void Supervisor::start_due() {
  for (const int slot : table_.due(Clock::now())) {
    const auto pid = start_worker(slot);
    if (pid) {
      table_.spawned(slot, *pid);
      log::debug("{} started, generation {}", name(slot), table_[slot].generation);
    } else {
      log::error("worker {} cannot be started: {}", slot, pid.error().message);
      table_.not_spawned(slot, Clock::now());
      if (!announced_) fail_start(slot, pid.error().message, pid.error().exit_status);
    }
    publish(slot);
    if (table_.stopping()) return;
  }
}

result<pid_t> Supervisor::start_worker(int slot) {
  auto pair = make_control_pair();
  if (!pair) return pair.error();
  config::ChildArguments arguments;
  arguments.slot = slot;
  arguments.generation = table_.next_generation(slot);
  arguments.control_fd = pair->child.get();
  arguments.stats_fd = segment_.fd();
  arguments.listen = reservation_.address();
  arguments.patient = arguments.generation > 1;

  Launch launch;
  launch.arguments =
      config::child_command_line(config::Command::worker, arguments, program_.arguments);
  launch.inherited = {arguments.control_fd, arguments.stats_fd};
  launch.control_fd = arguments.control_fd;
  launch.slot = slot;
  auto pid = start_child(program_.path, launch);
  // The child's end closes here: end-of-file on ours then means that the child has closed its own.
  if (pid) control(slot) = std::move(pair->supervisor);
  return pid;
}

void Supervisor::fail_start(int slot, const std::string& reason, int status) {
  if (table_.stopping()) return;  // one reason is enough; the others mostly have the same
  log::critical("worker {}: {}", slot, reason);
  start_failed_ = true;
  exit_status_ = status;
  stop();
}

// --- Events ------------------------------------------------------------------------------------

void Supervisor::wait() {
  std::vector<pollfd> watched = {{signals_.get(), POLLIN, 0}};
  for (const auto& socket : controls_) {
    if (socket) watched.push_back({socket.get(), POLLIN, 0});
  }
  const auto due = deadline_ ? deadline_ : table_.next_due();
  poll(watched.data(), watched.size(), milliseconds_until(due));
}

void Supervisor::on_signals() {
  while (const auto signal = next_signal(signals_)) {
    if (*signal == SIGCHLD) {
      child_ended_ = true;
    } else if (*signal != SIGTERM && *signal != SIGINT) {
      // Reserved for operating the service: their default effect would end it without a drain.
      log::warn("{}: ignored, this version does nothing on it", strsignal(*signal));
    } else if (++signals_to_end_ == 1) {
      log::info("{}: draining, for at most {}", strsignal(*signal),
                config::format_duration(config_.drain_timeout));
      stop();
    } else if (!killed_) {
      log::error("{} again: ending at once, what is not committed is not acknowledged",
                 strsignal(*signal));
      kill_all();
    }
  }
}

void Supervisor::on_messages(int slot) {
  while (control(slot)) {
    const auto received = receive_message(control(slot).get());
    switch (received.status) {
      case Received::Status::message:
        on_message(slot, received.message);
        break;
      case Received::Status::invalid:
        log::warn("{}: ignored a control message: {}", name(slot), received.problem);
        break;
      case Received::Status::closed:
        control(slot).reset();
        return;
      case Received::Status::nothing:
        return;
    }
  }
}

void Supervisor::on_message(int slot, const Message& message) {
  if (message.type == MessageType::failed) {
    if (announced_) {
      log::error("{}: {}", name(slot), message.text);
    } else {
      const bool valid = message.value > 0 && message.value < 256;
      fail_start(slot, message.text, valid ? static_cast<int>(message.value) : kExitFailure);
    }
    return;
  }
  const auto& current = table_[slot];
  if (message.type != MessageType::ready || message.slot != slot || message.pid != current.pid ||
      message.generation != current.generation) {
    log::warn("{}: ignored a control message that is not its own", name(slot));
    return;
  }
  table_.ready(slot, Clock::now());
  publish(slot);
  log::info("{} is ready", name(slot));
  if (!announced_ && table_.all_ready()) {
    announced_ = true;
    // Scripts wait for this line and take the address from it.
    log::info("listening on {}", to_string(reservation_.address()));
  }
}

void Supervisor::on_deaths() {
  int wait_status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &wait_status, WNOHANG)) > 0;) {
    on_death(pid, wait_status);
  }
}

void Supervisor::on_death(pid_t pid, int wait_status) {
  const auto slot = table_.slot_of(pid);
  if (!slot) return;  // a child that this process had before it became the supervisor
  on_messages(*slot);
  const std::string who = name(*slot);
  const std::string end = describe_end(wait_status);
  const bool was_ready = table_[*slot].was_ready;
  const auto death = *table_.died(pid, Clock::now());
  control(*slot).reset();
  stats::clear_gauges(segment_.block(static_cast<std::size_t>(*slot), 0));
  publish(*slot);

  if (table_.stopping()) {
    const bool clean = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
    // After a failed start or a SIGKILL the reason has been said.
    const bool expected = clean || start_failed_ || killed_;
    spdlog::log(expected ? spdlog::level::debug : spdlog::level::err, "{} {} while draining", who,
                end);
    if (!clean && exit_status_ == 0) exit_status_ = kExitFailure;
  } else if (!announced_ && !was_ready) {
    const bool has_status = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0;
    fail_start(*slot, end + " before it was ready",
               has_status ? WEXITSTATUS(wait_status) : kExitFailure);
  } else if (death.wait == ChildTable::Duration::zero()) {
    log::error("{} {}; it is replaced at once", who, end);
  } else {
    log::error(
        "{} {}; its replacement is held back for {}", who, end,
        config::format_duration(std::chrono::duration_cast<std::chrono::microseconds>(death.wait)));
  }
}

void Supervisor::on_time() {
  if (killed_ || !deadline_ || Clock::now() < *deadline_ || !table_.any_process()) return;
  log::error("not drained within {}: ending the rest",
             config::format_duration(config_.drain_timeout));
  kill_all();
}

// --- Ending ------------------------------------------------------------------------------------

void Supervisor::stop() {
  if (table_.stopping()) return;
  table_.stop();
  reservation_.release();
  deadline_ = Clock::now() + config_.drain_timeout;
  for (int slot = 0; slot < table_.size(); ++slot) {
    publish(slot);
    if (table_[slot].pid == 0) continue;
    Message drain;
    drain.type = MessageType::drain;
    drain.slot = slot;
    // SIGTERM says the same to a worker that cannot be told.
    if (!control(slot) || !send_message(control(slot).get(), drain))
      kill(table_[slot].pid, SIGTERM);
  }
}

void Supervisor::kill_all() {
  killed_ = true;
  exit_status_ = kExitFailure;
  deadline_ = Clock::now() + kKillWait;
  for (int slot = 0; slot < table_.size(); ++slot) {
    if (table_[slot].pid > 0) kill(table_[slot].pid, SIGKILL);
  }
}

void Supervisor::publish(int slot) {
  const auto& from = table_[slot];
  auto& block = segment_.block(static_cast<std::size_t>(slot), 0);
  stats::set(block, stats::Word::pid, static_cast<std::uint64_t>(from.pid));
  stats::set(block, stats::Word::generation, from.generation);
  stats::set(block, stats::Word::state, static_cast<std::uint64_t>(from.state));
  stats::set(block, stats::Word::restarts, from.restarts);
}

// --- Before the workers ------------------------------------------------------------------------

// Runs the migrations in a child, so that the supervisor never has a database's library in its
// hands. Returns its exit status; nothing if the supervisor was told to end.
std::optional<int> run_migrations(const Program& program, const Descriptor& signals) {
  Launch launch;
  launch.arguments = {"migrate"};
  launch.arguments.insert(launch.arguments.end(), program.arguments.begin(),
                          program.arguments.end());
  const auto pid = start_child(program.path, launch);
  if (!pid) {
    log::critical("migrate: {}", pid.error().message);
    return kExitFailure;
  }
  bool told_to_end = false;
  while (true) {
    int wait_status = 0;
    if (waitpid(*pid, &wait_status, WNOHANG) == *pid) {
      if (told_to_end) return std::nullopt;
      if (WIFEXITED(wait_status)) return WEXITSTATUS(wait_status);  // it has said why itself
      log::critical("migrate: {}", describe_end(wait_status));
      return kExitFailure;
    }
    pollfd watched{signals.get(), POLLIN, 0};
    poll(&watched, 1, -1);
    while (const auto signal = next_signal(signals)) {
      if (*signal != SIGTERM && *signal != SIGINT) continue;
      // A migration is one transaction: it is undone.
      kill(*pid, told_to_end ? SIGKILL : SIGTERM);
      told_to_end = true;
    }
  }
}

int fail(const Failure& failure) {
  log::critical("{}", failure.message);
  return failure.exit_status;
}

}  // namespace

int run_supervisor(const config::Config& config, const Program& program) {
  auto signals =
      watch_signals({SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU});
  if (!signals) return fail(signals.error());
  // Before the migrations: a second instance must not touch the database of the first.
  auto reservation = Reservation::take(config.listen);
  if (!reservation) return fail(reservation.error());
  if (config.migrate) {
    const auto status = run_migrations(program, *signals);
    if (!status) return 0;
    if (*status != 0) return *status;
  }
  auto segment = stats::Segment::create();
  if (!segment) return fail(segment.error());
  const int workers = config::effective_workers(config, config::available_cores());
  return Supervisor(config, program, *std::move(signals), *std::move(reservation),
                    *std::move(segment), workers)
      .run();
}

}  // namespace txindex::process
