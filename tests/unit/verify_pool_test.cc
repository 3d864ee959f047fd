#include "verify/verify_pool.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "support/keys.h"
#include "support/process.h"
#include "support/random.h"
#include "support/stages.h"
#include "verify/backend.h"
#include "verify/signature.h"

namespace txindex::verify {
namespace {

using test::Key;
using wire::Outcome;

// One-signature "transactions" of a message each; the bytes live as long as this.
class Messages {
 public:
  flow::ParcelPtr parcel(std::size_t count, flow::Sink& sink,
                         const std::function<bool(std::size_t)>& good) {
    auto made = std::make_unique<flow::Parcel>();
    for (std::size_t i = 0; i < count; ++i) {
      auto& bytes = kept_.emplace_back();
      bytes.message = {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8)};
      bytes.signature = key_.sign(bytes.message);
      if (!good(i)) bytes.signature[3] ^= 0x20;
      auto& table = made->table;
      chain::Transaction transaction;
      transaction.message = bytes.message;
      transaction.signatures = {static_cast<std::uint32_t>(table.signatures.size()), 1};
      table.signatures.push_back({key_.public_key, bytes.signature});
      table.transactions.push_back(transaction);
      made->items.push_back({.ticket = flow::Ticket(sink, i, 0, {}),
                             .codec = chain::find_codec(1),
                             .time_us = 0,
                             .received_wall_us = 0,
                             .received_steady_us = 0,
                             .slot = 0,
                             .has_slot = false});
    }
    return made;
  }

 private:
  struct Kept {
    std::vector<std::uint8_t> message;
    std::array<std::uint8_t, 64> signature;
  };
  Key key_{9};
  std::deque<Kept> kept_;
};

void complete(flow::Parcel& parcel) {
  for (auto& item : parcel.items)
    item.ticket.complete(item.outcome);
}

class VerifyPoolTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(start(VerifyBackend::automatic)); }
  std::unique_ptr<stats::Block> stats_ = test::zero_stats();
  test::RecordingSink sink_;
  Messages messages_;
};

TEST_F(VerifyPoolTest, MarksExactlyTheBadOnes) {
  const auto good = [](std::size_t i) { return i % 3 != 1; };
  auto parcel = messages_.parcel(30, sink_, good);
  SignatureBatch batch;
  EXPECT_EQ(verify({&parcel, 1}, batch), 30U);
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(parcel->items[i].outcome, good(i) ? Outcome::committed : Outcome::bad_signature) << i;
  }
  complete(*parcel);
}

TEST_F(VerifyPoolTest, EveryParcelComesOutOnceAndAllOfThemBeforeStopReturns) {
  std::mutex mutex;
  std::size_t verified = 0;
  VerifyPool pool(
      {.threads = 3, .queue_parcels = 1000}, *stats_,
      [&](flow::ParcelPtr parcel) {
        const std::lock_guard lock(mutex);
        verified += parcel->size();
        complete(*parcel);
      },
      [] {});
  std::size_t offered = 0;
  for (std::size_t i = 1; i <= 60; ++i) {
    auto parcel = messages_.parcel(i % 7, sink_, [](std::size_t) { return true; });
    offered += parcel->size();
    ASSERT_TRUE(pool.offer(parcel));
  }
  pool.stop();
  EXPECT_EQ(verified, offered);
  EXPECT_EQ(sink_.completions.size(), offered);
  EXPECT_EQ(stats::get(*stats_, stats::Word::verified_signatures), offered);
  EXPECT_EQ(stats::get(*stats_, stats::Word::verify_threads_busy), 0U);
}

TEST_F(VerifyPoolTest, RefusesWhenFullAndSaysWhenThereIsRoom) {
  std::mutex mutex;
  std::condition_variable changed;
  bool blocked = true;
  int room = 0;
  VerifyPool pool(
      {.threads = 1, .queue_parcels = 1}, *stats_,
      [&](flow::ParcelPtr parcel) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return !blocked; });
        complete(*parcel);
      },
      [&] {
        const std::lock_guard lock(mutex);
        ++room;
        changed.notify_all();
      });
  const auto good = [](std::size_t) { return true; };
  flow::ParcelPtr refused;
  // What the thread takes at once is at work, one waits, so that the next is refused.
  constexpr int kAtWork = 64;
  for (int i = 0; i < kAtWork + 2 && !refused; ++i) {
    auto parcel = messages_.parcel(1, sink_, good);
    if (!pool.offer(parcel)) refused = std::move(parcel);
  }
  {
    std::unique_lock lock(mutex);
    blocked = false;
    changed.notify_all();
    ASSERT_TRUE(refused);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return room > 0; }));
  }
  EXPECT_TRUE(test::eventually([&] { return pool.offer(refused); }));
  pool.stop();
}

}  // namespace
}  // namespace txindex::verify
