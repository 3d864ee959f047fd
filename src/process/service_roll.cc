// The rolling restart, and more or fewer workers.
#include <array>
#include <cmath>

#include "config/command_line.h"
#include "config/settings.h"
#include "log/log.h"
#include "process/service.h"
#include "stats/service.h"

namespace txindex::process {

void Service::request_roll(const char* why) {
  if (table_.stopping()) return;
  if (roll_) {
    log::event(log::Level::info, "a rolling restart will follow, one is under way",
               {{"reason", why}, {"roll", rolls_ + 1}});
  } else if (!announced_) {
    log::event(log::Level::info, "a rolling restart will follow when all workers are ready",
               {{"reason", why}, {"roll", rolls_ + 1}});
  }
  roll_requested_ = true;
}

void Service::advance_roll() {
  if (table_.stopping() || !announced_) return;
  if (!roll_ && !check_) {
    resize();
    if (roll_requested_) {
      begin_roll();
    } else if (reload_requested_) {
      start_check();
    }
  }
  while (roll_) {
    switch (roll_->next(Clock::now())) {
      case Roll::Do::nothing:
        return;
      case Roll::Do::start: {
        // Somebody of an earlier roll may still be finishing: one block for each process.
        if (!children_.free_side(roll_->slot())) return;
        // One listening socket for each slot: the process in charge may be about to make it.
        if (const Child* before = children_.find(roll_->slot(), Role::in_charge);
            before != nullptr && !before->ready && !listeners_.contains(roll_->slot()))
          return;
        const auto child = spawn(roll_->slot(), Role::replacement);
        child ? roll_->started(Clock::now()) : roll_->failed(child.error().message);
        break;
      }
      case Roll::Do::hand_over:
        hand_over();
        break;
      case Roll::Do::finish:
        end_roll("");
        break;
      case Roll::Do::abort:
        end_roll(Child::name_of(roll_->failed_slot()) + ": " + roll_->failure());
        break;
    }
  }
}

// Replacements read the configuration anew, the supervisor only when it is renewed.
void Service::warn_of_changes_that_wait() const {
  constexpr std::array<std::string_view, 7> kOfTheSupervisor = {
      "workers",   "drain_timeout", "roll.ready_timeout", "roll.settle",
      "log.level", "log.file",      "log.format"};
  std::vector<const char*> argv = {program_.path.c_str()};
  for (const auto& argument : program_.arguments)
    argv.push_back(argument.c_str());
  const auto line = config::parse_command_line(static_cast<int>(argv.size()), argv.data());
  if (!line) {
    // It may be for the program that is to come.
    log::event(log::Level::warning, "the supervisor cannot read the configuration",
               {{"reason", line.error().message}});
    return;
  }
  warn_of_addresses(line->config);
  std::string changed = config_.admin.has_value() == line->config.admin.has_value() ? "" : "admin";
  for (const std::string_view key : kOfTheSupervisor) {
    const auto& setting = *config::find_setting(key);
    if (setting.write(config_) == setting.write(line->config)) continue;
    changed.append(changed.empty() ? "" : ", ").append(key);
  }
  if (changed.empty()) return;
  log::event(log::Level::warning,
             "the supervisor goes on with settings that have changed: SIGHUP renews it",
             {{"settings", changed}});
}

// Those that are wanted and cannot be had by a process that replaces another.
void Service::warn_of_addresses(const config::Config& wanted) const {
  const auto warn_if_moved = [](const char* setting, const Endpoint& now, const Endpoint& is) {
    if (stands_for(now, is)) return;
    log::event(log::Level::warning, "a setting takes effect at the next full restart",
               {{"setting", setting}, {"value", to_string(now)}, {"until_then", to_string(is)}});
  };
  warn_if_moved("listen", wanted.listen, reservation_.address());
  const auto admin = admin_address();
  if (admin && wanted.admin) warn_if_moved("admin", *wanted.admin, *admin);
}

void Service::begin_roll() {
  std::vector<int> slots;
  for (const int slot : table_.slots()) {
    if (table_[slot].state != SlotState::retired) slots.push_back(slot);
  }
  roll_requested_ = false;
  roll_began_ = Clock::now();
  ++rolls_;
  log::event(log::Level::info, "a rolling restart begins", {{"roll", rolls_}});
  warn_of_changes_that_wait();
  roll_.emplace(std::move(slots), Roll::Limits{config_.roll_ready_timeout, config_.roll_settle});
}

void Service::hand_over() {
  const int slot = roll_->slot();
  Child* before = children_.find(slot, Role::in_charge);
  Child* after = children_.find(slot, Role::replacement);
  table_.replaced(slot, after->pid, Clock::now());
  after->role = Role::in_charge;
  after->watchdog = Watchdog(Clock::now());
  after->roll = rolls_;
  roll_->handed_over();
  publish(*after);
  event(log::Level::info, "a replacement has taken over", *after, {{"roll", rolls_}});
  if (before != nullptr) {
    dismiss(*before);
  } else {
    roll_->ended();
  }
}

// `failure` is empty if there was none.
void Service::end_roll(const std::string& failure) {
  if (failure.empty()) {
    const auto took = std::chrono::duration<double>(Clock::now() - roll_began_).count();
    log::event(log::Level::info, "a rolling restart is done",
               {{"roll", rolls_}, {"seconds", std::round(took * 10) / 10}});
  } else {
    ++rolls_aborted_;
    log::event(log::Level::error, "a rolling restart is aborted; the old processes serve on",
               {{"roll", rolls_}, {"reason", failure}});
    if (Child* replacement = children_.find(roll_->slot(), Role::replacement))
      dismiss(*replacement);
  }
  roll_.reset();
  tell_outcome(failure);
}

void Service::tell_outcome(const std::string& failure) {
  roll_failure_ = failure;
  auto& service = segment_.service();
  stats::set(service, stats::ServiceText::roll_failure, failure);
  stats::set(service, stats::ServiceWord::last_roll_outcome,
             static_cast<std::uint64_t>(failure.empty() ? stats::RollOutcome::done
                                                        : stats::RollOutcome::aborted));
  // A reload that is to follow says when it is over.
  if (!reload_requested_) manager_.ready(status_line());
}

void Service::resize() {
  for (; resize_ > 0; --resize_)
    add_worker();
  for (; resize_ < 0; ++resize_)
    retire_worker();
  start_due();
}

void Service::add_worker() {
  if (table_.workers_wanted() >= limits::kWorkersMax) {
    log::event(log::Level::warning, "there are as many workers as there can be",
               {{"workers", limits::kWorkersMax}});
    return;
  }
  const int slot = table_.add_worker();
  log::event(log::Level::info, "one worker more",
             {{"child", Child::name_of(slot)}, {"workers", table_.workers_wanted()}});
}

void Service::retire_worker() {
  const auto slot = table_.last_worker();
  if (!slot) {
    log::event(log::Level::warning, "the last worker stays", {{"workers", 1}});
    return;
  }
  table_.retire(*slot);
  log::event(log::Level::info, "one worker fewer; a sibling serves its queue",
             {{"child", Child::name_of(*slot)}, {"workers", table_.workers_wanted()}});
  if (Child* child = children_.find(*slot, Role::in_charge)) dismiss(*child);
}

}  // namespace txindex::process
