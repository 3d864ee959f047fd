#include "admin/sampler.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace txindex::admin {
namespace {

using stats::Timing;
using stats::Word;

stats::TimingSnapshot difference(const stats::TimingSnapshot& now,
                                 const stats::TimingSnapshot& before) {
  stats::TimingSnapshot change;
  change.sum_us = now.sum_us - before.sum_us;
  std::transform(now.buckets.begin(), now.buckets.end(), before.buckets.begin(),
                 change.buckets.begin(), std::minus<>());
  return change;
}

double share(double part, double whole) {
  return whole > 0 ? std::clamp(part / whole, 0.0, 1.0) : 0;
}

// Counters never go back, so a difference of two readings of one slot is never negative.
Recent between(const stats::Snapshot& before, const stats::Snapshot& now, double seconds) {
  const auto change = [&](Word word) { return static_cast<double>(now[word] - before[word]); };
  Recent recent;
  recent.seconds = seconds;
  recent.received_per_second = change(Word::received) / seconds;
  recent.committed_per_second = change(Word::outcome_committed) / seconds;
  recent.duplicate_per_second = change(Word::outcome_duplicate) / seconds;
  for (const auto& rejection : kRejections)
    recent.rejected_per_second += change(rejection.word) / seconds;
  recent.bytes_per_second = change(Word::received_bytes) / seconds;
  const double busy = change(Word::loop_busy_us);
  recent.loop_utilisation = share(busy, busy + change(Word::loop_idle_us));
  for (std::size_t t = 0; t < recent.timings.size(); ++t)
    recent.timings[t] = percentiles(difference(now.timings[t], before.timings[t]));
  // Each verify time is a thread's own, so their sum is the time that the threads were at work.
  const auto& verify = recent.timings[static_cast<std::size_t>(Timing::verify)];
  recent.verify_utilisation = share(static_cast<double>(verify.sum_us) / 1e6,
                                    static_cast<double>(now[Word::verify_threads]) * seconds);
  return recent;
}

Sample sample_of(const Recent& recent, std::int64_t wall_us) {
  Sample sample;
  sample.unix_seconds = static_cast<double>(wall_us) / 1e6;
  sample.committed_per_second = recent.committed_per_second;
  sample.received_per_second = recent.received_per_second;
  const auto& to_ack = recent.timings[static_cast<std::size_t>(Timing::receive_to_ack)];
  if (to_ack.count > 0) {
    sample.receive_to_ack_p50_us = to_ack.p50_us;
    sample.receive_to_ack_p99_us = to_ack.p99_us;
  }
  return sample;
}

}  // namespace

Percentiles percentiles(const stats::TimingSnapshot& timing) {
  return {timing.count(),           timing.sum_us,
          timing.quantile_us(0.5),  timing.quantile_us(0.9),
          timing.quantile_us(0.99), timing.quantile_us(0.999)};
}

void Sampler::add(Reading reading) {
  if (last_) {
    const double seconds = static_cast<double>(reading.steady_us - last_->steady_us) / 1e6;
    if (seconds <= 0) return;
    // A slot that is new has counted from zero. (Slots are added at the end and never taken away,
    // so that nothing that was counted leaves the total.)
    static const SlotReading kNew;
    workers_.clear();
    for (std::size_t slot = 0; slot < reading.workers.size(); ++slot) {
      const auto& before = slot < last_->workers.size() ? last_->workers[slot] : kNew;
      workers_.push_back(between(before.sum, reading.workers[slot].sum, seconds));
    }
    admin_ = between(last_->admin.sum, reading.admin.sum, seconds);
    total_ = between(last_->total, reading.total, seconds);
    history_.push_back(sample_of(total_, reading.wall_us));
    if (history_.size() > kHistoryMax) history_.pop_front();
  }
  last_ = std::move(reading);
}

const Recent& Sampler::worker(std::size_t slot) const {
  static const Recent kNothing;
  return slot < workers_.size() ? workers_[slot] : kNothing;
}

}  // namespace txindex::admin
