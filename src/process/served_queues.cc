#include "process/served_queues.h"

#include <unistd.h>

#include "log/log.h"

namespace txindex::process {

void ServedQueues::hold_own(int descriptor) {
  add(own_slot_, descriptor);
}

void ServedQueues::start() {
  for (auto& [slot, listener] : listeners_)
    listener->start();
  count();
}

void ServedQueues::adopt(int slot, int descriptor) {
  if (left_ || listeners_.contains(slot)) {
    ::close(descriptor);
    return;
  }
  log::event(log::Level::info, "serving a sibling's queue too", {{"queue", slot}});
  add(slot, descriptor).start();
  count();
}

void ServedQueues::disown(int slot) {
  if (slot != own_slot_ && listeners_.contains(slot)) {
    log::event(log::Level::info, "leaving a queue to others", {{"queue", slot}});
    listeners_.extract(slot).mapped()->leave();
  }
  count();
}

void ServedQueues::leave(bool empty) {
  left_ = true;
  for (auto& [slot, listener] : listeners_)
    empty ? listener->stop() : listener->leave();
  listeners_.clear();
}

net::Listener& ServedQueues::add(int slot, int descriptor) {
  auto& listener = listeners_[slot];
  listener = std::make_shared<net::Listener>(descriptor, connections_, connections_max_);
  return *listener;
}

void ServedQueues::count() {
  stats::set(stats_, stats::Word::listeners, listeners_.size());
}

}  // namespace txindex::process
