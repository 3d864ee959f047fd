// Re-executing this program in place: the same process id, children, listening sockets and
// statistics go on under a new supervisor, which then renews the children.
//
// There is no way back from exec. So the new program is first run beside the old one, with the same
// arguments, and asked whether it can take over; only if it says so is it executed.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "config/command_line.h"
#include "log/log.h"
#include "process/service.h"

namespace txindex::process {
namespace {

constexpr auto kCheckTimeout = std::chrono::seconds(10);

void close_on_exec(const std::vector<int>& descriptors, bool close) {
  for (const int fd : descriptors)
    fcntl(fd, F_SETFD, close ? FD_CLOEXEC : 0);
}

}  // namespace

void Service::request_reload() {
  if (table_.stopping()) return;
  log::event(log::Level::info,
             roll_ || check_ ? "the supervisor will be renewed after what is under way"
                             : "the supervisor is to be renewed",
             {{"reason", "SIGHUP"}, {"program", program_.path}});
  reload_requested_ = true;
}

void Service::start_check() {
  reload_requested_ = false;
  auto state = write_state(state_to_leave());
  auto pair = make_control_pair();
  if (!state || !pair) {
    return reload_failed((state ? pair.error() : state.error()).message);
  }
  Launch launch;
  launch.arguments = config::takeover_command_line(
      {.state_fd = state->get(), .check = true, .control_fd = pair->child.get()},
      program_.arguments);
  launch.inherited = {state->get(), pair->child.get()};
  launch.control_fd = pair->child.get();
  const auto pid = start_child(program_.path, launch);
  if (!pid) return reload_failed(pid.error().message);
  check_ = Check{*pid, std::move(pair->supervisor), Clock::now() + kCheckTimeout};
}

void Service::on_checked(int wait_status) {
  std::string reason = describe_end(wait_status);
  const auto said = receive_message(check_->control.get());
  if (said.status == Received::Status::message && !said.message.text.empty())
    reason = said.message.text;
  const bool timed_out = check_->deadline == Clock::time_point::max();
  check_.reset();
  if (table_.stopping()) return;
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) {
    reload_checked_ = true;
  } else {
    reload_failed(timed_out ? "the new program did not answer within 10 s" : reason);
  }
}

// Counts as a rolling restart that was aborted: it was to be one.
void Service::reload_failed(const std::string& reason) {
  ++rolls_;
  ++rolls_aborted_;
  const std::string failure = "re-executing " + program_.path + ": " + reason;
  log::event(log::Level::error, "a rolling restart is aborted; this supervisor goes on",
             {{"roll", rolls_}, {"reason", failure}});
  tell_outcome(failure);
}

TakeoverState Service::state_to_leave() {
  TakeoverState state;
  state.address = reservation_.address();
  state.address_fd = reservation_.socket_fd();
  state.lock_fd = reservation_.lock_fd();
  state.stats_fd = segment_.fd();
  state.started_unix_us = started_unix_us_;
  state.reexecs = reexecs_;
  state.rolls = rolls_;
  state.rolls_aborted = rolls_aborted_;
  for (const auto& [slot, listener] : listeners_)
    state.listeners[slot] = listener.get();
  for (const int slot : table_.slots())
    state.slots[slot] = table_[slot];
  for (const auto& child : children_) {
    state.children.push_back({.pid = child.pid,
                              .slot = child.slot,
                              .side = child.side,
                              .generation = child.generation,
                              .control_fd = child.control.get(),
                              .in_charge = child.role == Role::in_charge,
                              .ready = child.ready,
                              .kill_at = child.kill_at});
  }
  return state;
}

void Service::re_execute() {
  if (table_.stopping()) return;
  const TakeoverState state = state_to_leave();
  auto file = write_state(state);
  if (!file) return reload_failed(file.error().message);
  manager_.reloading();
  std::vector<std::string> words =
      config::takeover_command_line({.state_fd = file->get()}, program_.arguments);
  words.insert(words.begin(), program_.path);
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (auto& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  auto descriptors = state.descriptors();
  descriptors.push_back(file->get());
  close_on_exec(descriptors, false);
  log::finish();
  execv(program_.path.c_str(), argv.data());
  const int problem = errno;
  close_on_exec(descriptors, true);
  reload_failed(std::strerror(problem));
}

void Service::take_over(const TakeoverState& state, bool same_segment) {
  started_unix_us_ = state.started_unix_us;
  reexecs_ = state.reexecs + 1;
  rolls_ = state.rolls;
  rolls_aborted_ = state.rolls_aborted;
  announced_ = true;
  // A child may have died in between, and its signal with the old program.
  child_ended_ = true;
  int workers = 0;
  for (const auto& [slot, values] : state.slots)
    if (slot != kAdmin) workers = std::max(workers, slot + 1);
  table_ = ChildTable(workers, config_.admin ? std::optional(kAdmin) : std::nullopt);
  for (const auto& [slot, values] : state.slots) {
    if (slot != kAdmin || config_.admin) table_.restore(slot, values);
  }
  for (const auto& [slot, fd] : state.listeners)
    listeners_[slot] = Descriptor(fd);
  for (const auto& from : state.children) {
    Child& child = children_.add({.pid = from.pid,
                                  .slot = from.slot,
                                  .side = from.side,
                                  .generation = from.generation,
                                  .role = from.in_charge ? Role::in_charge : Role::leaving,
                                  .control = Descriptor(from.control_fd),
                                  .started = Clock::now(),
                                  .ready = from.ready,
                                  .watched = same_segment});
    // The admin process is not wanted any more.
    if (!from.in_charge || (child.is_admin() && !config_.admin)) dismiss(child);
    if (from.kill_at) child.kill_at = from.kill_at;
  }
  // Who served whose queue is found anew.
  for (const auto& [slot, listener] : listeners_)
    tell_all_but(0, MessageType::disown, slot);
  if (!config_.admin && listeners_.erase(kAdmin) > 0) manager_.forget(listener_name(kAdmin));
  resize_ = config::effective_workers(config_, config::available_cores()) - table_.workers_wanted();
  warn_of_addresses(config_);
  publish_texts();
  log::info("this is the supervisor from now on; its children and listening sockets stay");
  request_roll("SIGHUP");
}

}  // namespace txindex::process
