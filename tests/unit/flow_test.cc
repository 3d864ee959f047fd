#include <gtest/gtest.h>

#include <thread>

#include "flow/bounded_queue.h"
#include "log/log.h"
#include "support/stages.h"

namespace txindex::flow {
namespace {

using test::LoopParts;
using test::RecordingSink;

class RecordingWaiter final : public Gate::Waiter {
 public:
  void gate_opened() override { ++opened; }
  int opened = 0;
};

TEST(Gate, TakesNoMoreThanItsBudget) {
  LoopParts parts(100);
  EXPECT_TRUE(parts.gate.try_take(60));
  EXPECT_FALSE(parts.gate.try_take(41));
  EXPECT_TRUE(parts.gate.try_take(40));
  EXPECT_EQ(parts.gate.in_flight_bytes(), 100U);
  EXPECT_EQ(stats::get(*parts.stats, stats::Word::in_flight_bytes_high), 100U);
  parts.gate.give_back(100);
  EXPECT_EQ(parts.gate.in_flight_bytes(), 0U);
}

TEST(Gate, WakesWaitersInTheirOrderAndOnlyAsManyAsThereIsRoomFor) {
  LoopParts parts(limits::kLargeChunkBytes);
  ASSERT_TRUE(parts.gate.try_take(limits::kLargeChunkBytes));
  RecordingWaiter first;
  RecordingWaiter second;
  parts.gate.wait(&first, /*in_vain=*/false);
  parts.gate.wait(&second, /*in_vain=*/false);
  parts.gate.give_back(limits::kLargeChunkBytes);
  EXPECT_EQ(first.opened, 1);
  EXPECT_EQ(second.opened, 0);
  ASSERT_TRUE(parts.gate.try_take(1));
  parts.gate.give_back(1);
  EXPECT_EQ(first.opened, 1);
  EXPECT_EQ(second.opened, 1);
}

// Notes down who was woken, by name.
class NamedWaiter final : public Gate::Waiter {
 public:
  NamedWaiter(char name, std::string& woken) : name_(name), woken_(woken) {}
  void gate_opened() override { woken_ += name_; }

 private:
  const char name_;
  std::string& woken_;
};

TEST(Gate, WhoWasWokenInVainWaitsBeforeThoseWhoWereNot) {
  LoopParts parts(limits::kLargeChunkBytes);
  std::string woken;
  NamedWaiter a('a', woken);
  NamedWaiter b('b', woken);
  NamedWaiter c('c', woken);
  NamedWaiter d('d', woken);
  parts.gate.hold();
  parts.gate.wait(&a, false);
  parts.gate.wait(&b, true);
  parts.gate.wait(&c, true);
  parts.gate.wait(&d, false);
  parts.gate.release();
  EXPECT_EQ(woken, "bcad");

  // One at a time, and one that has left.
  woken.clear();
  ASSERT_TRUE(parts.gate.try_take(limits::kLargeChunkBytes));
  parts.gate.wait(&a, false);
  parts.gate.wait(&b, true);
  parts.gate.wait(&c, true);
  parts.gate.cancel(&b);
  parts.gate.give_back(1);
  EXPECT_EQ(woken, "c");
  parts.gate.wait(&c, true);
  parts.gate.wait(&d, false);
  parts.gate.give_back(1);
  parts.gate.wait(&b, true);
  parts.gate.give_back(1);
  parts.gate.give_back(1);
  EXPECT_EQ(woken, "ccba");
  parts.gate.cancel(&a);
  parts.gate.give_back(limits::kLargeChunkBytes - 4);
  EXPECT_EQ(woken, "ccbad");
}

TEST(Gate, WakesOneEvenWithoutRoomBecauseItMayBeEntitledToOverdraw) {
  LoopParts parts(10);
  parts.gate.overdraw(100);
  RecordingWaiter waiter;
  parts.gate.wait(&waiter, /*in_vain=*/false);
  parts.gate.give_back(10);
  EXPECT_EQ(waiter.opened, 1);
  parts.gate.give_back(90);
}

TEST(Gate, HeldGivesNothingAndWakesNobodyUntilReleased) {
  LoopParts parts(100);
  RecordingWaiter waiter;
  parts.gate.hold();
  EXPECT_FALSE(parts.gate.try_take(1));
  parts.gate.wait(&waiter, /*in_vain=*/false);
  parts.gate.overdraw(5);
  parts.gate.give_back(5);
  EXPECT_EQ(waiter.opened, 0);
  parts.gate.release();
  EXPECT_EQ(waiter.opened, 1);
  EXPECT_TRUE(parts.gate.try_take(1));
  parts.gate.give_back(1);
}

TEST(Gate, ReleaseWakesEveryoneBecauseNothingElseMightWakeThem) {
  LoopParts parts(limits::kLargeChunkBytes);
  std::vector<RecordingWaiter> waiters(50);
  parts.gate.hold();
  for (auto& waiter : waiters)
    parts.gate.wait(&waiter, /*in_vain=*/false);
  parts.gate.release();
  for (const auto& waiter : waiters)
    EXPECT_EQ(waiter.opened, 1);
}

TEST(Gate, AFairShareIsNoMoreThanWhatIsLeft) {
  LoopParts parts(100);
  EXPECT_TRUE(parts.gate.is_fair(0, 50));
  EXPECT_FALSE(parts.gate.is_fair(0, 51));
  std::vector<std::size_t> held(3);
  for (bool more = true; more;) {
    more = false;
    for (auto& mine : held) {
      if (!parts.gate.is_fair(mine, 1)) continue;
      ASSERT_TRUE(parts.gate.try_take(1));
      ++mine;
      more = true;
    }
  }
  EXPECT_EQ(held, (std::vector<std::size_t>{25, 25, 25})) << "three, and as much for a fourth";
  parts.gate.overdraw(100);
  EXPECT_FALSE(parts.gate.is_fair(0, 1));
  parts.gate.give_back(175);
}

TEST(Gate, CancelledWaiterIsNotWoken) {
  LoopParts parts(100);
  RecordingWaiter waiter;
  parts.gate.wait(&waiter, /*in_vain=*/false);
  parts.gate.cancel(&waiter);
  parts.gate.overdraw(1);
  parts.gate.give_back(1);
  EXPECT_EQ(waiter.opened, 0);
}

TEST(Chunk, CreditComesBackWithTheLastReference) {
  LoopParts parts(limits::kSmallChunkBytes);
  auto chunk = parts.chunks.get(limits::kSmallChunkBytes, false);
  ASSERT_TRUE(chunk);
  EXPECT_FALSE(parts.chunks.get(limits::kSmallChunkBytes, false));
  ChunkRef second = chunk;
  EXPECT_FALSE(chunk.unique());
  chunk.reset();
  EXPECT_EQ(parts.gate.in_flight_bytes(), limits::kSmallChunkBytes);
  EXPECT_TRUE(second.unique());
  second.reset();
  EXPECT_EQ(parts.gate.in_flight_bytes(), 0U);
  EXPECT_EQ(parts.chunks.outstanding(), 0U);
  EXPECT_TRUE(parts.chunks.get(limits::kSmallChunkBytes, false));
}

TEST(Chunk, OverdrawnIsAccountedFor) {
  LoopParts parts(1);
  EXPECT_FALSE(parts.chunks.get(limits::kSmallChunkBytes, false));
  const auto chunk = parts.chunks.get(limits::kSmallChunkBytes, true);
  ASSERT_TRUE(chunk);
  EXPECT_EQ(parts.gate.in_flight_bytes(), limits::kSmallChunkBytes);
}

TEST(Ticket, CompletesOnceAndGivesItsChunkBack) {
  LoopParts parts(limits::kSmallChunkBytes);
  RecordingSink sink;
  Ticket ticket(sink, 7, 250, parts.chunks.get(limits::kSmallChunkBytes, false));
  Ticket moved(std::move(ticket));
  moved.complete(wire::Outcome::duplicate);
  ASSERT_EQ(sink.completions.size(), 1U);
  EXPECT_EQ(sink.completions[0].sequence, 7U);
  EXPECT_EQ(sink.completions[0].outcome, wire::Outcome::duplicate);
  EXPECT_EQ(sink.completions[0].bytes, 250U);
  EXPECT_EQ(parts.chunks.outstanding(), 0U);
}

TEST(TicketDeathTest, DroppedOneEndsTheProcess) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  ASSERT_TRUE(log::initialise({}, "test"));
  EXPECT_DEATH(
      {
        RecordingSink sink;
        const Ticket ticket(sink, 1, 1, ChunkRef());
      },
      "dropped without an outcome");
}

TEST(TicketDeathTest, SecondOutcomeEndsTheProcess) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  ASSERT_TRUE(log::initialise({}, "test"));
  EXPECT_DEATH(
      {
        RecordingSink sink;
        Ticket ticket(sink, 1, 1, ChunkRef());
        ticket.complete(wire::Outcome::committed);
        ticket.complete(wire::Outcome::committed);
      },
      "two outcomes");
}

TEST(BoundedQueue, RefusesWhenFullAndLeavesTheValue) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  EXPECT_TRUE(queue.try_push(first));
  EXPECT_FALSE(queue.try_push(second));
  ASSERT_TRUE(second);
  EXPECT_EQ(**queue.pop(), 1);
  EXPECT_TRUE(queue.try_push(second));
}

TEST(BoundedQueue, ClosedOneGivesOutWhatItHoldsThenEnds) {
  BoundedQueue<int> queue(4);
  int value = 5;
  ASSERT_TRUE(queue.try_push(value));
  queue.close();
  EXPECT_FALSE(queue.try_push(value));
  EXPECT_EQ(queue.pop(), 5);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, EveryValueGoesToExactlyOneConsumer) {
  BoundedQueue<int> queue(8);
  std::atomic<long> sum = 0;
  std::vector<std::thread> consumers;
  for (int i = 0; i < 3; ++i) {
    consumers.emplace_back([&] {
      while (auto value = queue.pop())
        sum += *value;
    });
  }
  long expected = 0;
  for (int i = 1; i <= 10'000; ++i) {
    expected += i;
    int value = i;
    while (!queue.try_push(value))
      std::this_thread::yield();
  }
  queue.close();
  for (auto& consumer : consumers)
    consumer.join();
  EXPECT_EQ(sum, expected);
}

}  // namespace
}  // namespace txindex::flow
