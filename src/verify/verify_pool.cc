#include "verify/verify_pool.h"

#include "flow/clock.h"
#include "flow/test_switches.h"
#include "verify/backend.h"

namespace txindex::verify {

namespace {

// As long as there are parcels waiting, a thread takes so many transactions at a time: the
// signatures of many leave few lanes of a kernel empty. It never waits for more.
constexpr std::size_t kTransactionsAtOnce = 64;

}  // namespace

std::size_t verify(std::span<const flow::ParcelPtr> parcels, SignatureBatch& batch) {
  for (const auto& parcel : parcels) {
    for (std::size_t i = 0; i < parcel->size(); ++i) {
      const auto& transaction = parcel->table.transactions[i];
      batch.add(parcel->items[i].codec->signature_rule(), transaction.message,
                parcel->table.signatures_of(transaction));
    }
  }
  batch.judge();
  std::size_t number = 0;
  for (const auto& parcel : parcels) {
    for (auto& item : parcel->items) {
      if (batch.valid(number++) || flow::broken(flow::Promise::verification)) continue;
      item.outcome = wire::Outcome::bad_signature;
      item.detail = "a signature does not verify";
    }
  }
  const std::size_t signatures = batch.signatures();
  batch.clear();
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
  stats::set(stats_, stats::Word::verify_backend, static_cast<std::uint64_t>(backend()));
  for (int i = 0; i < options.threads; ++i)
    threads_.emplace_back([this] { work(); });
}

VerifyPool::~VerifyPool() {
  stop();
}

void VerifyPool::work() {
  SignatureBatch batch;
  std::vector<flow::ParcelPtr> parcels;
  while (take(parcels)) {
    stats::add(stats_, stats::Word::verify_threads_busy);
    const std::int64_t begin = flow::steady_us();
    std::size_t count = 0;
    for (const auto& parcel : parcels)
      count += parcel->size();
    const std::size_t signatures = verify(parcels, batch);
    const auto spent = static_cast<std::uint64_t>(flow::steady_us() - begin);
    stats::record(stats_, stats::Timing::verify, count ? spent / count : 0, count);
    stats::add(stats_, stats::Word::verified_signatures, signatures);
    stats::subtract(stats_, stats::Word::verify_threads_busy);
    for (auto& parcel : parcels) {
      flow::crash_point(flow::CrashPoint::verified);
      on_verified_(std::move(parcel));
    }
    parcels.clear();
  }
}

// Waits for one, and takes what is there beside it if that is of use.
bool VerifyPool::take(std::vector<flow::ParcelPtr>& parcels) {
  auto first = queue_.take();
  if (!first) return false;
  std::size_t count = (*first)->size();
  parcels.push_back(*std::move(first));
  while (backend() != VerifyBackend::libsodium && count < kTransactionsAtOnce) {
    auto more = queue_.take_if_any();
    if (!more) break;
    count += (*more)->size();
    parcels.push_back(*std::move(more));
  }
  return true;
}

void VerifyPool::stop() {
  queue_.close();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace txindex::verify
