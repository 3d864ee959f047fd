// The queues of the listening sockets, which outlive the workers that serve them.
#include <signal.h>

#include "flow/test_switches.h"
#include "log/log.h"
#include "process/service.h"
#include "stats/block.h"

namespace txindex::process {

std::string Service::listener_name(int slot) {
  return slot == kAdmin ? "listener-admin" : "listener-" + std::to_string(slot);
}

void Service::deposit(const Child& child, Descriptor listener) {
  if (table_.stopping()) return;
  if (!listener || listeners_.contains(child.slot)) {
    event(log::Level::warning, "a listening socket that was not asked for is ignored", child);
    return;
  }
  if (!flow::listeners_are_kept()) return;
  manager_.store(listener_name(child.slot), listener.get());
  listeners_[child.slot] = std::move(listener);
  if (announced_) publish_texts();
}

// Whether nobody of the slot's own accepts its connections, and will not for a while.
bool Service::needs_sibling(int slot, Clock::time_point now) {
  const Child* child = children_.find(slot, Role::in_charge);
  const auto state = table_[slot].state;
  if (child != nullptr && child->ready) {
    unserved_.erase(slot);
    return child->watchdog.verdict() != Watchdog::Verdict::alive;
  }
  if (state == SlotState::retired || state == SlotState::held_back) return true;
  const auto since = unserved_.try_emplace(slot, now).first->second;
  return now - since >= Watchdog::kSilent;
}

void Service::lend_queues() {
  if (!announced_ || table_.stopping()) return;
  const auto now = Clock::now();
  std::vector<int> orphans;
  std::vector<pid_t> serving;
  for (int slot = 0; slot < table_.workers(); ++slot) {
    const bool orphan = needs_sibling(slot, now);
    if (orphan && listeners_.contains(slot)) orphans.push_back(slot);
    const Child* child = children_.find(slot, Role::in_charge);
    if (!orphan && child != nullptr && child->ready) serving.push_back(child->pid);
  }
  for (const auto& [queue, worker] : queues_.update(orphans, serving)) {
    tell_all_but(worker.value_or(0), MessageType::disown, queue);
    if (!worker) {
      log::event(log::Level::info, "a queue is its worker's own again",
                 {{"queue", Child::name_of(queue)}});
      continue;
    }
    const Child& child = *children_.find(*worker);
    event(log::Level::info, "a worker serves a sibling's queue", child,
          {{"queue", Child::name_of(queue)}});
    if (!tell(child, MessageType::adopt, queue, listeners_.at(queue).get())) queues_.forget(queue);
  }
}

// To every worker that is ready, and takes no harm from hearing what is not for it.
void Service::tell_all_but(pid_t worker, MessageType type, int queue) {
  for (const auto& child : children_) {
    if (child.role == Role::in_charge && child.ready && !child.is_admin() && child.pid != worker)
      tell(child, type, queue);
  }
}

void Service::watch_heartbeats() {
  if (table_.stopping()) return;
  using Verdict = Watchdog::Verdict;
  const auto now = Clock::now();
  for (auto& child : children_) {
    if (child.role != Role::in_charge || !child.watched) continue;
    const auto before = child.watchdog.verdict();
    const auto verdict =
        child.watchdog.look(stats::get(block(child), stats::Word::heartbeat_us), now);
    if (verdict == before) continue;
    switch (verdict) {
      case Verdict::alive:
        event(log::Level::info, "an event loop turns again", child);
        break;
      case Verdict::silent:
        event(log::Level::warning, "an event loop has not turned for 3 s", child);
        break;
      case Verdict::abort:
        event(log::Level::error, "an event loop has not turned for 10 s; aborting the process",
              child);
        kill(child.pid, SIGABRT);
        break;
      case Verdict::kill:
        event(log::Level::error, "a process does not end; killing it", child);
        kill(child.pid, SIGKILL);
        break;
    }
  }
}

bool Service::anyone_silent() {
  for (const auto& child : children_) {
    if (child.role == Role::in_charge && child.watchdog.verdict() != Watchdog::Verdict::alive)
      return true;
  }
  return false;
}

}  // namespace txindex::process
