// The rolling restart, and more or fewer workers.
#include "config/units.h"
#include "log/log.h"
#include "process/service.h"
#include "stats/service.h"

namespace txindex::process {

void Service::request_roll(const char* why) {
  if (table_.stopping()) return;
  if (roll_) {
    log::info("{}: rolling restart {} will follow, {} is under way", why, rolls_ + 1, rolls_);
  } else if (!announced_) {
    log::info("{}: a rolling restart will follow when all workers are ready", why);
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
        end_roll((roll_->failed_slot() == kAdmin
                      ? "admin"
                      : "worker " + std::to_string(roll_->failed_slot())) +
                 ": " + roll_->failure());
        break;
    }
  }
}

void Service::begin_roll() {
  std::vector<int> slots;
  for (const int slot : table_.slots()) {
    if (table_[slot].state != SlotState::retired) slots.push_back(slot);
  }
  roll_requested_ = false;
  roll_began_ = Clock::now();
  ++rolls_;
  log::info("rolling restart {} begins", rolls_);
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
  log::info("{} has taken over", after->name());
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
    log::info("rolling restart {} done in {:.1f} s", rolls_, took);
  } else {
    ++rolls_aborted_;
    log::error("rolling restart {} aborted: {}; the old processes that there are serve on", rolls_,
               failure);
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
    log::warn("there are {} workers, the most that there can be", limits::kWorkersMax);
    return;
  }
  const int slot = table_.add_worker();
  log::info("one worker more: {} from now on, with worker {}", table_.workers_wanted(), slot);
}

void Service::retire_worker() {
  const auto slot = table_.last_worker();
  if (!slot) {
    log::warn("one worker is left: it stays");
    return;
  }
  table_.retire(*slot);
  log::info("one worker fewer: {} from now on, without worker {}; a sibling serves its queue",
            table_.workers_wanted(), *slot);
  if (Child* child = children_.find(*slot, Role::in_charge)) dismiss(*child);
}

}  // namespace txindex::process
