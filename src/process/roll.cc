#include "process/roll.h"

#include <cassert>

namespace txindex::process {

Roll::Roll(std::vector<int> slots, Limits limits) : slots_(std::move(slots)), limits_(limits) {
  assert(!slots_.empty());
}

Roll::Do Roll::next(Time now) {
  if (phase_ == Phase::starting && now >= due_) {
    failed("not ready within " +
           std::to_string(
               std::chrono::duration_cast<std::chrono::seconds>(limits_.ready_timeout).count()) +
           " s");
  }
  if (phase_ == Phase::settling && now >= due_) phase_ = Phase::to_hand_over;
  switch (phase_) {
    case Phase::to_start:
      return Do::start;
    case Phase::to_hand_over:
      return Do::hand_over;
    case Phase::done:
      return Do::finish;
    case Phase::failed:
      return Do::abort;
    default:
      return Do::nothing;
  }
}

std::optional<Roll::Time> Roll::next_due() const {
  if (phase_ == Phase::starting || phase_ == Phase::settling) return due_;
  return std::nullopt;
}

void Roll::started(Time now) {
  assert(phase_ == Phase::to_start);
  phase_ = Phase::starting;
  due_ = now + limits_.ready_timeout;
}

void Roll::ready(Time now) {
  if (phase_ != Phase::starting) return;
  // What kills a new version soon after its start kills it in the first slot, and nowhere else.
  phase_ = at_ == 0 ? Phase::settling : Phase::to_hand_over;
  due_ = now + limits_.settle;
}

void Roll::failed(std::string reason, std::optional<int> of) {
  if (phase_ == Phase::done || phase_ == Phase::failed) return;
  phase_ = Phase::failed;
  failure_ = std::move(reason);
  failed_slot_ = of.value_or(slot());
}

void Roll::handed_over() {
  assert(phase_ == Phase::to_hand_over);
  phase_ = Phase::ending;
}

void Roll::ended() {
  if (phase_ != Phase::ending) return;
  if (at_ + 1 == slots_.size()) {
    phase_ = Phase::done;
    return;
  }
  ++at_;
  phase_ = Phase::to_start;
}

}  // namespace txindex::process
