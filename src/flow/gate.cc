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

// All of them: they were stopped by the hold, and not for want of credit.
void Gate::release() {
  held_ = false;
  std::deque<Waiter*> all;
  all.swap(waiters_);
  in_vain_ = 0;
  for (Waiter* waiter : all) {
    waiter->gate_opened();
  }
}

void Gate::wait(Waiter* waiter, bool in_vain) {
  stats::add(stats_, stats::Word::in_flight_waits);
  if (in_vain) {
    waiters_.insert(waiters_.begin() + static_cast<std::ptrdiff_t>(in_vain_++), waiter);
  } else {
    waiters_.push_back(waiter);
  }
}

void Gate::cancel(Waiter* waiter) {
  const auto found = std::find(waiters_.begin(), waiters_.end(), waiter);
  if (found == waiters_.end()) return;
  if (static_cast<std::size_t>(found - waiters_.begin()) < in_vain_) --in_vain_;
  waiters_.erase(found);
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
    if (waiters_.empty()) return;
    Waiter* next = waiters_.front();
    waiters_.pop_front();
    in_vain_ -= std::min<std::size_t>(in_vain_, 1);
    next->gate_opened();
    room -= std::min(room, limits::kLargeChunkBytes);
  } while (room > 0);
}

}  // namespace txindex::flow
