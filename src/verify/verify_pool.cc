#include "verify/verify_pool.h"

#include "flow/clock.h"
#include "flow/test_switches.h"
#include "verify/signature.h"

namespace txindex::verify {

std::size_t verify(flow::Parcel& parcel) {
  std::size_t signatures = 0;
  for (std::size_t i = 0; i < parcel.items.size(); ++i) {
    auto& item = parcel.items[i];
    const auto& transaction = parcel.table.transactions[i];
    signatures += transaction.signatures.count;
    if (flow::broken(flow::Promise::verification)) continue;
    if (!all_valid(item.codec->signature_rule(), transaction.message,
                   parcel.table.signatures_of(transaction))) {
      item.outcome = wire::Outcome::bad_signature;
      item.detail = "a signature does not verify";
    }
  }
  return signatures;
}

VerifyPool::VerifyPool(const Options& options, stats::Block& stats,
                       std::function<void(flow::ParcelPtr)> on_verified,
                       std::function<void()> on_room)
    : stats_(stats),
      on_verified_(std::move(on_verified)),
      queue_(options.queue_parcels, stats, std::move(on_room)) {
  stats::set(stats_, stats::Word::verify_threads, static_cast<std::uint64_t>(options.threads));
  stats::set(stats_, stats::Word::verify_threads_busy, 0);
  for (int i = 0; i < options.threads; ++i)
    threads_.emplace_back([this] { work(); });
}

VerifyPool::~VerifyPool() {
  stop();
}

void VerifyPool::work() {
  while (auto parcel = queue_.take()) {
    stats::add(stats_, stats::Word::verify_threads_busy);
    const std::int64_t begin = flow::steady_us();
    const std::size_t count = (*parcel)->size();
    const std::size_t signatures = verify(**parcel);
    const auto spent = static_cast<std::uint64_t>(flow::steady_us() - begin);
    stats::record(stats_, stats::Timing::verify, count ? spent / count : 0, count);
    stats::add(stats_, stats::Word::verified_signatures, signatures);
    stats::subtract(stats_, stats::Word::verify_threads_busy);
    flow::crash_point(flow::CrashPoint::verified);
    on_verified_(std::move(*parcel));
  }
}

void VerifyPool::stop() {
  queue_.close();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace txindex::verify
