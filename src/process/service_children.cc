// The supervisor's children: starting them, what they say, and their deaths.
#include <signal.h>
#include <sys/wait.h>

#include "config/command_line.h"
#include "config/units.h"
#include "log/log.h"
#include "process/service.h"
#include "stats/block.h"

namespace txindex::process {

void Service::event(log::Level level, std::string_view text, const Child& child,
                    std::initializer_list<log::Field> more) {
  const std::string name = child.name();
  std::vector<log::Field> fields = {{"child", name}, {"child_pid", child.pid}};
  fields.insert(fields.end(), more);
  log::event(level, text, fields);
}

stats::Block& Service::block(const Child& child) {
  return segment_.block(static_cast<std::size_t>(child.slot), static_cast<std::size_t>(child.side));
}

void Service::start_due() {
  for (const int slot : table_.due(Clock::now())) {
    // Both of a slot's blocks are written: one of the two processes has to end first.
    if (!children_.free_side(slot)) continue;
    // One listening socket for each slot: somebody who is to leave may be about to make it.
    if (!listeners_.contains(slot) && children_.any(slot)) continue;
    const auto child = spawn(slot, Role::in_charge);
    if (child) {
      table_.spawned(slot, (*child)->pid);
      event(log::Level::debug, "a process is started", **child,
            {{"generation", (*child)->generation}});
      continue;
    }
    const std::string who = Child::name_of(slot);
    log::event(log::Level::error, "a process cannot be started",
               {{"child", who}, {"reason", child.error().message}});
    table_.not_spawned(slot, Clock::now());
    if (!announced_) fail_start(who, child.error().message, child.error().exit_status);
    if (table_.stopping()) return;
  }
}

result<Child*> Service::spawn(int slot, Role role) {
  auto pair = make_control_pair();
  if (!pair) return pair.error();
  const auto listener = listeners_.find(slot);
  config::ChildArguments arguments;
  arguments.slot = slot;
  arguments.side = children_.free_side(slot).value();
  arguments.generation = table_.next_generation(slot);
  arguments.control_fd = pair->child.get();
  arguments.stats_fd = segment_.fd();
  arguments.listen_fd = listener == listeners_.end() ? -1 : listener->second.get();
  arguments.listen = slot == kAdmin ? *config_.admin : reservation_.address();
  // A replacement in place of one that died has to live with what there is; somebody who starts the
  // service, or rolls a new version out, wants to know that it does not work.
  arguments.patient = announced_ && role == Role::in_charge;

  const auto command = slot == kAdmin ? config::Command::admin : config::Command::worker;
  Launch launch;
  launch.arguments = config::child_command_line(command, arguments, program_.arguments);
  launch.inherited = {arguments.control_fd, arguments.stats_fd};
  if (arguments.listen_fd >= 0) launch.inherited.push_back(arguments.listen_fd);
  launch.hidden = config::hidden_variables(command);
  launch.control_fd = arguments.control_fd;
  launch.slot = slot;
  const auto pid = start_child(program_.path, launch);
  if (!pid) return pid.error();
  // The child's end closes here: end-of-file on ours then means that the child has closed its own.
  Child& child = children_.add({.pid = *pid,
                                .slot = slot,
                                .side = arguments.side,
                                .generation = arguments.generation,
                                .role = role,
                                .control = std::move(pair->supervisor),
                                .started = Clock::now()});
  publish(child);
  return &child;
}

bool Service::tell(const Child& child, MessageType type, int value, int fd) {
  Message message;
  message.type = type;
  message.slot = child.slot;
  message.value = value;
  if (child.control && send_message(child.control.get(), message, fd)) return true;
  // SIGTERM says the same to one that cannot be told. What else there is to say can be done
  // without.
  if (type == MessageType::drain) kill(child.pid, SIGTERM);
  return false;
}

// It finishes what it has; others serve its queue.
void Service::dismiss(Child& child) {
  child.role = Role::leaving;
  child.kill_at = Clock::now() + config_.drain_timeout;
  tell(child, MessageType::drain);
  publish(child);
}

void Service::publish(const Child& child) {
  using stats::ProcessState;
  // The table knows who is in charge, and no others.
  auto state = child.role == Role::in_charge ? table_[child.slot].state : ProcessState::empty;
  if (child.role == Role::replacement) {
    state = child.ready ? ProcessState::ready : ProcessState::starting;
  } else if (child.role == Role::leaving) {
    state = ProcessState::draining;
  } else if (child.watchdog.verdict() != Watchdog::Verdict::alive) {
    state = ProcessState::silent;
  }
  auto& to = block(child);
  stats::set(to, stats::Word::pid, static_cast<std::uint64_t>(child.pid));
  stats::set(to, stats::Word::generation, child.generation);
  stats::set(to, stats::Word::state, static_cast<std::uint64_t>(state));
}

// --- Messages ----------------------------------------------------------------------------------

void Service::on_messages(Child& child) {
  while (child.control) {
    auto received = receive_message(child.control.get());
    switch (received.status) {
      case Received::Status::message:
        on_message(child, std::move(received));
        break;
      case Received::Status::invalid:
        event(log::Level::warning, "a control message is ignored", child,
              {{"reason", received.problem}});
        break;
      case Received::Status::closed:
        child.control.reset();
        return;
      case Received::Status::nothing:
        return;
    }
  }
}

void Service::on_message(Child& child, Received received) {
  const Message& message = received.message;
  switch (message.type) {
    case MessageType::listener:
      return deposit(child, std::move(received.descriptor));
    case MessageType::ready:
      return on_ready(child, message);
    case MessageType::failed:
      child.failure = message.text;
      if (!announced_) {
        const bool valid = message.value > 0 && message.value < 256;
        fail_start(child.name(), message.text,
                   valid ? static_cast<int>(message.value) : kExitFailure);
      } else {
        event(log::Level::error, "a process cannot go on", child, {{"reason", message.text}});
      }
      return;
    default:
      event(log::Level::warning, "a control message is ignored", child,
            {{"reason", "it is none of a child's"}});
  }
}

void Service::on_ready(Child& child, const Message& message) {
  if (message.slot != child.slot || message.pid != child.pid ||
      message.generation != child.generation) {
    event(log::Level::warning, "a control message is ignored", child,
          {{"reason", "it is another process's"}});
    return;
  }
  if (std::exchange(child.ready, true)) return;
  // At the start the line that says where it listens says this of all of them.
  event(announced_ && !table_.stopping() ? log::Level::info : log::Level::debug,
        "a process is ready", child);
  if (child.role == Role::replacement && roll_) roll_->ready(Clock::now());
  if (child.role == Role::in_charge) table_.ready(child.slot, Clock::now());
  if (!announced_ && !table_.stopping() && table_.all_ready()) announce();
}

// --- Deaths ------------------------------------------------------------------------------------

void Service::on_deaths() {
  int wait_status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &wait_status, WNOHANG)) > 0;) {
    if (check_ && pid == check_->pid) {
      on_checked(wait_status);
    } else if (Child* child = children_.find(pid)) {
      on_death(*child, wait_status);
    }  // else: a child that this process had before it became the supervisor
  }
}

void Service::on_death(Child& child, int wait_status) {
  on_messages(child);
  const std::string end = describe_end(wait_status);
  const bool clean = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
  auto& its_block = block(child);
  if (child.role == Role::in_charge) {
    on_death_in_charge(child, end, wait_status);
  } else if (table_.stopping()) {
    if (!clean && exit_status_ == 0) exit_status_ = kExitFailure;
  } else if (child.role == Role::replacement) {
    event(log::Level::error, "a replacement ended before it took over", child, {{"end", end}});
    if (roll_) roll_->failed(child.failure.empty() ? end + " before it took over" : child.failure);
  } else {
    event(clean ? log::Level::debug : log::Level::error, "a process ended while draining", child,
          {{"end", end}});
  }
  stats::clear_gauges(its_block);
  if (child.role == Role::in_charge)
    stats::set(its_block, stats::Word::state, static_cast<std::uint64_t>(table_[child.slot].state));
  const int slot = child.slot;
  const bool was_leaving = child.role == Role::leaving;
  children_.erase(child);
  if (was_leaving && roll_ && roll_->slot() == slot && !children_.find(slot, Role::leaving))
    roll_->ended();
}

void Service::on_death_in_charge(const Child& child, const std::string& end, int wait_status) {
  const bool was_ready = child.ready;
  const auto death = *table_.died(child.pid, Clock::now());
  if (table_.stopping()) {
    const bool clean = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
    // After a failed start or a SIGKILL the reason has been said.
    const bool expected = clean || start_failed_ || killed_;
    event(expected ? log::Level::debug : log::Level::error, "a process ended while draining", child,
          {{"end", end}});
    if (!clean && exit_status_ == 0) exit_status_ = kExitFailure;
    return;
  }
  stats::add(block(child), stats::Word::restarts);
  // What this roll has put in charge does not live: no more of it.
  if (roll_ && child.roll == rolls_) roll_->failed(end + " after it had taken over", child.slot);
  if (!announced_ && !was_ready) {
    const bool has_status = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0;
    fail_start(child.name(), end + " before it was ready",
               has_status ? WEXITSTATUS(wait_status) : kExitFailure);
  } else if (death.wait == ChildTable::Duration::zero()) {
    event(log::Level::error, "a process ended; it is replaced at once", child, {{"end", end}});
  } else {
    const auto wait = std::chrono::duration_cast<std::chrono::microseconds>(death.wait);
    event(log::Level::error, "a process ended; its replacement is held back", child,
          {{"end", end}, {"wait", config::format_duration(wait)}});
  }
}

}  // namespace txindex::process
