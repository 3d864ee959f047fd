#include "process/service.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "config/units.h"
#include "log/log.h"
#include "process/signals.h"
#include "process/summary.h"
#include "stats/block.h"
#include "stats/service.h"
#include "version.h"

namespace txindex::process {
namespace {

// After a SIGKILL an end is a matter of the kernel alone; this is how long it is waited for.
constexpr auto kKillWait = std::chrono::seconds(1);

std::int64_t unix_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

// For poll(): rounded up, so that what is due has come when it returns.
int milliseconds_until(Clock::time_point time) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

std::optional<int> auxiliary(const config::Config& config) {
  if (!config.admin) return std::nullopt;
  return static_cast<int>(stats::kAdminSlot);
}

}  // namespace

Service::Service(const config::Config& config, const Program& program, Parts parts)
    : config_(config),
      program_(program),
      signals_(std::move(parts.signals)),
      manager_(std::move(parts.manager)),
      reservation_(std::move(parts.reservation)),
      segment_(std::move(parts.segment)),
      table_(1, auxiliary(config)) {}

// NOLINTNEXTLINE(performance-unnecessary-value-param): its descriptors are moved from
void Service::begin(std::vector<ServiceManager::Kept> kept) {
  started_unix_us_ = unix_us();
  const int workers = config::effective_workers(config_, config::available_cores());
  int slots = workers;
  for (auto& [name, descriptor] : kept) {
    const auto address = local_address(descriptor.get());
    int slot = 0;
    while (slot < kAdmin && name != listener_name(slot))
      ++slot;
    const bool wanted = slot == kAdmin
                            ? config_.admin && address && stands_for(*config_.admin, *address)
                            : address == reservation_.address();
    if (name != listener_name(slot) || !wanted) {
      log::event(log::Level::warning, "a listening socket kept by systemd is of no use any more",
                 {{"name", name}, {"address", address ? to_string(*address) : "none"}});
      manager_.forget(name);
      continue;
    }
    log::event(log::Level::info, "a listening socket is back from systemd, with its queue",
               {{"name", name}});
    listeners_[slot] = std::move(descriptor);
    if (slot != kAdmin) slots = std::max(slots, slot + 1);
  }
  table_ = ChildTable(slots, auxiliary(config_));
  // The queues of workers that are no longer wanted are lent, like those of retired ones.
  for (int slot = workers; slot < slots; ++slot)
    table_.retire(slot);
}

int Service::run() {
  while (true) {
    start_due();
    advance_roll();
    if (table_.hopeless()) {
      log::critical("no worker can live: giving up");
      exit_status_ = kExitFailure;
      stop();
    }
    if (table_.stopping() && children_.empty()) break;
    if (killed_ && Clock::now() >= *deadline_) break;
    lend_queues();
    publish();
    wait();
    on_signals();
    // What a child said before it died comes before its death.
    for (auto& child : children_)
      on_messages(child);
    if (std::exchange(child_ended_, false)) on_deaths();
    // Whoever was dead when it came has not died while draining.
    for (const int signal : std::exchange(to_end_, {}))
      end(signal);
    on_time();
    if (std::exchange(reload_checked_, false)) re_execute();
  }
  if (announced_) {
    log::info("ended with status {}: {}", exit_status_, summary(segment_, table_.workers()));
  }
  return exit_status_;
}

// --- Events ------------------------------------------------------------------------------------

void Service::wait() {
  std::vector<pollfd> watched = {{signals_.get(), POLLIN, 0}};
  for (const auto& child : children_) {
    if (child.control) watched.push_back({child.control.get(), POLLIN, 0});
  }
  // Heartbeats are looked at all the time, so that nothing else that is due needs to be early.
  auto due = Clock::now() + Watchdog::kInterval;
  const auto now = Clock::now();
  for (const auto& other : {deadline_, roll_ ? roll_->next_due() : std::nullopt})
    if (other) due = std::min(due, *other);
  // What is due and has not been done waits for something else.
  if (const auto next = table_.next_due(); next && *next > now) due = std::min(due, *next);
  poll(watched.data(), watched.size(), milliseconds_until(due));
}

void Service::on_signals() {
  while (const auto signal = next_signal(signals_))
    on_signal(*signal);
}

void Service::on_signal(int signal) {
  switch (signal) {
    case SIGCHLD:
      child_ended_ = true;
      return;
    case SIGUSR1:
      return reopen_logs();
    case SIGUSR2:
      return request_roll("SIGUSR2");
    case SIGHUP:
      return request_reload();
    case SIGTTIN:
      ++resize_;
      return;
    case SIGTTOU:
      --resize_;
      return;
    default:
      return to_end_.push_back(signal);
  }
}

void Service::end(int signal) {
  if (++signals_to_end_ == 1) {
    log::event(log::Level::info, "draining",
               {{"reason", strsignal(signal)},
                {"at_most", config::format_duration(config_.drain_timeout)}});
    stop();
  } else if (!killed_) {
    log::event(log::Level::error,
               "a second signal: ending at once, what is not committed is not acknowledged",
               {{"reason", strsignal(signal)}});
    kill_all();
  }
}

// The children cannot open files to be written. Each has one of its own, so that none can change
// how another writes.
void Service::reopen_logs() {
  if (!log::reopen()) return;  // all go on with what is open
  Message message{.type = MessageType::reopen_logs, .text = log::file()};
  for (const auto& child : children_) {
    const Descriptor file(log::open_again());
    if (!file && !log::file().empty()) continue;
    message.slot = child.slot;
    if (child.control) (void)send_message(child.control.get(), message, file ? file.get() : -1);
  }
}

void Service::on_time() {
  const auto now = Clock::now();
  if (const auto interval = manager_.watchdog_interval(); interval && now >= next_watchdog_) {
    manager_.watchdog();
    next_watchdog_ = now + *interval;
  }
  if (check_ && now >= check_->deadline) {
    kill(check_->pid, SIGKILL);
    check_->deadline = Clock::time_point::max();  // its death tells the rest
  }
  for (auto& child : children_) {
    if (!child.kill_at || now < *child.kill_at) continue;
    event(log::Level::error, "a process has not finished in time: ending it", child,
          {{"drain_timeout", config::format_duration(config_.drain_timeout)}});
    kill(child.pid, SIGKILL);
    child.kill_at.reset();
  }
  watch_heartbeats();
  log::tend();
  if (killed_ || !deadline_ || now < *deadline_ || children_.empty()) return;
  log::event(log::Level::error, "not drained in time: ending the rest",
             {{"drain_timeout", config::format_duration(config_.drain_timeout)}});
  kill_all();
}

void Service::announce() {
  announced_ = true;
  publish_texts();
  if (const auto admin = admin_address()) log::info("admin on http://{}/", to_string(*admin));
  // Scripts wait for this line and take the address from it.
  log::info("listening on {}", to_string(reservation_.address()));
  manager_.ready(status_line());
}

// --- What is seen from outside -----------------------------------------------------------------

void Service::publish() {
  using stats::ServiceState;
  using stats::ServiceWord;
  const auto now = Clock::now();
  auto& service = segment_.service();
  const auto set = [&](ServiceWord word, std::uint64_t value) { stats::set(service, word, value); };
  const auto state = table_.stopping()                         ? ServiceState::draining
                     : !announced_                             ? ServiceState::starting
                     : table_.degraded(now) || anyone_silent() ? ServiceState::degraded
                                                               : ServiceState::serving;
  set(ServiceWord::supervisor_pid, static_cast<std::uint64_t>(getpid()));
  set(ServiceWord::service_state, static_cast<std::uint64_t>(state));
  set(ServiceWord::started_unix_us, static_cast<std::uint64_t>(started_unix_us_));
  set(ServiceWord::worker_slots, static_cast<std::uint64_t>(table_.workers()));
  set(ServiceWord::workers, static_cast<std::uint64_t>(table_.workers_wanted()));
  set(ServiceWord::reexecs, reexecs_);
  // `running` before the numbers: who sees the number of the latest end sees its outcome.
  set(ServiceWord::roll_running, roll_ ? 1 : 0);
  set(ServiceWord::roll_queued, roll_requested_ ? 1 : 0);
  set(ServiceWord::roll_slot, roll_ ? static_cast<std::uint64_t>(roll_->slot()) : 0);
  set(ServiceWord::rolls_started, rolls_);
  set(ServiceWord::rolls_aborted, rolls_aborted_);
  set(ServiceWord::rolls_ended, rolls_ - (roll_ ? 1 : 0));
  for (const auto& child : children_)
    publish(child);
  if (announced_ && !table_.stopping()) manager_.status(status_line());
}

void Service::publish_texts() {
  auto& service = segment_.service();
  const auto admin = admin_address();
  stats::set(service, stats::ServiceText::version, version());
  stats::set(service, stats::ServiceText::listen, to_string(reservation_.address()));
  stats::set(service, stats::ServiceText::admin, admin ? to_string(*admin) : "");
}

std::optional<Endpoint> Service::admin_address() const {
  const auto admin = listeners_.find(kAdmin);
  return admin == listeners_.end() ? std::nullopt : local_address(admin->second.get());
}

std::string Service::status_line() {
  std::string line = std::to_string(table_.workers_ready()) + " of " +
                     std::to_string(table_.workers_wanted()) + " workers ready on " +
                     to_string(reservation_.address());
  if (table_.degraded(Clock::now())) line += "; degraded, workers keep dying";
  if (anyone_silent()) line += "; degraded, a worker hangs";
  if (!roll_ && !roll_failure_.empty())
    line += "; rolling restart " + std::to_string(rolls_) + " aborted: " + roll_failure_;
  if (roll_) line += "; rolling restart " + std::to_string(rolls_) + " under way";
  return line;
}

// --- Ending ------------------------------------------------------------------------------------

void Service::fail_start(const std::string& who, const std::string& reason, int status) {
  if (table_.stopping()) return;  // one reason is enough; the others mostly have the same
  log::critical("{}: {}", who, reason);
  start_failed_ = true;
  exit_status_ = status;
  stop();
}

void Service::stop() {
  if (table_.stopping()) return;
  table_.stop();
  manager_.stopping();
  roll_.reset();
  roll_requested_ = reload_requested_ = false;
  if (check_) kill(check_->pid, SIGKILL);
  listeners_.clear();
  reservation_.release();
  deadline_ = Clock::now() + config_.drain_timeout;
  for (auto& child : children_) {
    child.kill_at.reset();
    tell(child, MessageType::drain, 1);
  }
}

void Service::kill_all() {
  killed_ = true;
  exit_status_ = kExitFailure;
  deadline_ = Clock::now() + kKillWait;
  for (const auto& child : children_)
    kill(child.pid, SIGKILL);
}

}  // namespace txindex::process
