#include "flow/gate.h"

#include <algorithm>

#include "txindex/limits.h"

namespace txindex::flow {

bool Gate::try_take(std::size_t bytes) {
  if (held_ || taken_ + bytes > budget_) return false;
  account(taken_ + bytes);
  return true;
}

void Gate::overdraw(std::size_t bytes) {
  account(taken_ + bytes);
}

void Gate::give_back(std::size_t bytes) {
  account(taken_ - bytes);
  wake();
}

void Gate::hold() {
  held_ = true;
}

// All of them: nothing else might wake those who were stopped by the hold.
void Gate::release() {
  held_ = false;
  std::deque<Waiter*> all;
  all.swap(in_vain_);
  all.insert(all.end(), waiters_.begin(), waiters_.end());
  waiters_.clear();
  for (Waiter* waiter : all) {
    waiter->gate_opened();
  }
}

void Gate::wait(Waiter* waiter, bool in_vain) {
  stats::add(stats_, stats::Word::in_flight_waits);
  (in_vain ? in_vain_ : waiters_).push_back(waiter);
}

void Gate::cancel(Waiter* waiter) {
  if (std::erase(in_vain_, waiter) == 0) std::erase(waiters_, waiter);
}

void Gate::account(std::size_t taken) {
  taken_ = taken;
  stats::set(stats_, stats::Word::in_flight_bytes, taken_);
  stats::raise(stats_, stats::Word::in_flight_bytes_high, taken_);
}

// Wakes as many as there is room for, and at least one: it may be entitled to overdraw. Who finds
// no room queues up again; it has bytes in flight itself, or nothing would have stopped it, and is
// woken when they come back.
void Gate::wake() {
  if (held_) return;
  std::size_t room = taken_ < budget_ ? budget_ - taken_ : 0;
  do {
    std::deque<Waiter*>& first = in_vain_.empty() ? waiters_ : in_vain_;
    if (first.empty()) return;
    Waiter* next = first.front();
    first.pop_front();
    next->gate_opened();
    room -= std::min(room, limits::kLargeChunkBytes);
  } while (room > 0);
}

}  // namespace txindex::flow
