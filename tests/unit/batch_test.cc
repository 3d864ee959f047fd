#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "batch/batch_queue.h"
#include "flow/clock.h"
#include "support/stages.h"

namespace txindex::batch {
namespace {

using namespace std::chrono_literals;
using test::RecordingSink;

constexpr Batcher::Options kPatient{.max_rows = 20,
                                    .max_bytes = 1000,
                                    .linger = 2ms,
                                    .crowd_rows = 4,
                                    .many_rows = 8,
                                    .long_linger = 10ms,
                                    .beside_rows = 12,
                                    .beside_linger = 16ms};
constexpr Batcher::Options kOptions{.max_rows = 10, .max_bytes = 1000, .linger = 2ms};
const Time kStart = Time() + 1h;

flow::ParcelPtr parcel(std::size_t rows, std::size_t bytes, flow::Sink& sink) {
  auto made = std::make_unique<flow::Parcel>();
  for (std::size_t i = 0; i < rows; ++i) {
    made->items.push_back({.ticket = flow::Ticket(sink, i, 0, {}),
                           .codec = nullptr,
                           .time_us = 0,
                           .received_wall_us = 0,
                           .received_steady_us = 0,
                           .slot = 0,
                           .has_slot = false});
  }
  made->bytes = bytes;
  return made;
}

std::size_t complete(Batch batch) {
  std::size_t rows = 0;
  for (auto& p : batch) {
    for (auto& item : p->items)
      item.ticket.complete(wire::Outcome::committed);
    rows += p->size();
  }
  return rows;
}

TEST(Batcher, NothingIsDueWhenNothingWaits) {
  EXPECT_EQ(Batcher(kOptions).due(), std::nullopt);
}

TEST(Batcher, ALoneParcelIsDueAfterTheLinger) {
  RecordingSink sink;
  Batcher batcher(kOptions);
  batcher.add(parcel(1, 1, sink), kStart, kStart);
  batcher.add(parcel(1, 1, sink), kStart + 1ms, kStart + 1ms);
  EXPECT_EQ(batcher.due(), kStart + 2ms);
  EXPECT_EQ(complete(batcher.take()), 2U);
  EXPECT_TRUE(batcher.empty());
}

TEST(Batcher, WaitsLongerForACrowdButNotWhenThereAreMany) {
  RecordingSink sink;
  Batcher batcher(kPatient);
  batcher.add(parcel(3, 1, sink), kStart, kStart);
  EXPECT_EQ(batcher.due(), kStart + 2ms);
  batcher.add(parcel(1, 1, sink), kStart + 1ms, kStart + 1ms);
  EXPECT_EQ(batcher.due(), kStart + 10ms);
  batcher.add(parcel(4, 1, sink), kStart + 1ms, kStart + 1ms);
  EXPECT_EQ(batcher.due(), kStart + 2ms);
  batcher.add(parcel(12, 1, sink), kStart + 1ms, kStart + 1ms);
  EXPECT_EQ(batcher.due(), kStart);
  complete(batcher.take());
}

TEST(Batcher, WaitsLongerWhileABatchIsUnderWayButNotWhenTwoAreNeeded) {
  RecordingSink sink;
  Batcher batcher(kPatient);
  batcher.add(parcel(1, 1, sink), kStart, kStart);
  complete(batcher.take());
  batcher.add(parcel(1, 1, sink), kStart, kStart);
  EXPECT_EQ(batcher.due(), kStart + 16ms) << "the writer that is busy will take it";
  batcher.add(parcel(10, 1, sink), kStart + 1ms, kStart + 1ms);
  EXPECT_EQ(batcher.due(), kStart + 16ms) << "a good batch for one writer, but not for two";
  batcher.add(parcel(1, 1, sink), kStart + 1ms, kStart + 1ms);
  EXPECT_EQ(batcher.due(), kStart + 2ms) << "12 rows are worth another writer";
  complete(batcher.take());
  batcher.add(parcel(1, 1, sink), kStart, kStart);
  batcher.settled();
  EXPECT_EQ(batcher.due(), kStart + 16ms) << "one of two is settled";
  batcher.settled();
  EXPECT_EQ(batcher.due(), kStart + 2ms);
  complete(batcher.take());
}

TEST(Batcher, WhatComesLateWaitsAnEighthOfItsAgeUnlessThereIsAFullBatch) {
  RecordingSink sink;
  Batcher batcher({.max_rows = 10, .max_bytes = 1000, .linger = 2ms, .late_linger_max = 50ms});
  batcher.add(parcel(1, 1, sink), kStart, kStart + 8ms);
  EXPECT_EQ(batcher.due(), kStart + 9ms);
  batcher.add(parcel(1, 1, sink), kStart, kStart + 8ms + 500us);
  EXPECT_EQ(batcher.due(), kStart + 9ms) << "of the oldest";
  complete(batcher.take());
  batcher.settled();
  batcher.add(parcel(1, 1, sink), kStart, kStart + 1ms);
  EXPECT_EQ(batcher.due(), kStart + 2ms) << "not late";
  complete(batcher.take());
  batcher.settled();
  batcher.add(parcel(1, 1, sink), kStart, kStart + 800ms);
  EXPECT_EQ(batcher.due(), kStart + 850ms) << "no more than the limit";
  batcher.add(parcel(9, 1, sink), kStart, kStart + 801ms);
  EXPECT_EQ(batcher.due(), kStart);
  complete(batcher.take());
}

TEST(Batcher, TakingNothingIsNotUnderWay) {
  RecordingSink sink;
  Batcher batcher(kOptions);
  EXPECT_TRUE(batcher.take().empty());
  batcher.add(parcel(1, 1, sink), kStart, kStart);
  EXPECT_EQ(batcher.due(), kStart + 2ms);
  complete(batcher.take());
}

TEST(Batcher, EnoughRowsOrBytesAreDueAtOnce) {
  RecordingSink sink;
  Batcher rows(kOptions);
  rows.add(parcel(10, 1, sink), kStart, kStart);
  EXPECT_EQ(rows.due(), kStart);
  Batcher bytes(kOptions);
  bytes.add(parcel(1, 1000, sink), kStart, kStart);
  EXPECT_EQ(bytes.due(), kStart);
  complete(rows.take());
  complete(bytes.take());
}

TEST(Batcher, TakesTheOldestThatFitAndLeavesTheRest) {
  RecordingSink sink;
  Batcher batcher(kOptions);
  batcher.add(parcel(6, 1, sink), kStart, kStart);
  batcher.add(parcel(5, 1, sink), kStart, kStart);
  batcher.add(parcel(1, 1, sink), kStart, kStart);
  EXPECT_EQ(complete(batcher.take()), 6U);
  EXPECT_EQ(batcher.rows(), 6U);
  EXPECT_EQ(complete(batcher.take()), 6U);
  EXPECT_TRUE(batcher.take().empty());
}

TEST(Batcher, TakesOneParcelThatIsOverTheLimitsByItself) {
  RecordingSink sink;
  Batcher batcher(kOptions);
  batcher.add(parcel(11, 2000, sink), kStart, kStart);
  batcher.add(parcel(1, 1, sink), kStart, kStart);
  EXPECT_EQ(complete(batcher.take()), 11U);
  EXPECT_EQ(complete(batcher.take()), 1U);
}

flow::ParcelPtr parcel_of_now(std::size_t rows, flow::Sink& sink) {
  auto made = parcel(rows, rows, sink);
  made->items.front().received_steady_us = flow::steady_us();
  return made;
}

TEST(BatchQueue, WriterWaitsForTheLingerFromReceiptAndNoLonger) {
  RecordingSink sink;
  const auto stats = test::zero_stats();
  BatchQueue queue({.max_rows = 10, .max_bytes = 1000, .linger = 1ms}, 100, *stats);
  auto one = parcel_of_now(1, sink);
  const std::int64_t received_us = one->items.front().received_steady_us;
  queue.push(std::move(one));
  EXPECT_EQ(complete(*queue.take(1h)), 1U);
  EXPECT_GE(flow::steady_us(), received_us + 1000);
}

TEST(BatchQueue, AWriterThatWaitsIsWokenWhenItsBatchIsDueEarlier) {
  RecordingSink sink;
  const auto stats = test::zero_stats();
  BatchQueue queue({.max_rows = 10, .max_bytes = 1000, .linger = 1h}, 100, *stats);
  queue.push(parcel_of_now(1, sink));
  std::size_t rows = 0;
  std::thread writer([&] { rows = complete(*queue.take(1h)); });
  queue.push(parcel_of_now(9, sink));
  writer.join();
  EXPECT_EQ(rows, 10U);
}

// Waits until the thread sleeps.
void await_sleep(pid_t thread) {
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/stat";
  for (std::string text; text.find(") S ") == std::string::npos;) {
    std::ifstream stat(path);
    ASSERT_TRUE(std::getline(stat, text)) << path;
  }
}

TEST(BatchQueue, AWriterThatWaitsForAnotherIsWokenWhenTwoAreNeeded) {
  RecordingSink sink;
  const auto stats = test::zero_stats();
  BatchQueue queue(
      {.max_rows = 10, .max_bytes = 1000, .linger = 0ms, .beside_rows = 4, .beside_linger = 1h},
      100, *stats);
  queue.push(parcel_of_now(1, sink));
  Batch under_way = *queue.take(1h);
  queue.push(parcel_of_now(2, sink));
  std::size_t rows = 0;
  std::atomic<pid_t> id = 0;
  std::thread second([&] {
    id = gettid();
    id.notify_one();
    rows = complete(*queue.take(1h));
  });
  id.wait(0);
  await_sleep(id);
  queue.push(parcel_of_now(1, sink));  // not yet enough for two
  await_sleep(id);
  queue.push(parcel_of_now(1, sink));
  second.join();
  EXPECT_EQ(rows, 4U);
  EXPECT_EQ(complete(std::move(under_way)), 1U);
}

TEST(BatchQueue, AWriterLooksUpFromTimeToTimeWhileNothingWaitsAndOnlyThen) {
  RecordingSink sink;
  const auto stats = test::zero_stats();
  BatchQueue queue({.max_rows = 10, .max_bytes = 1000, .linger = 5ms}, 100, *stats);
  EXPECT_FALSE(queue.take(0ms));
  EXPECT_FALSE(queue.take(1ms));
  queue.push(parcel_of_now(1, sink));
  auto batch = queue.take(0ms);
  ASSERT_TRUE(batch) << "nobody else would be woken for what waits";
  EXPECT_EQ(complete(*std::move(batch)), 1U);
  queue.close();
  EXPECT_TRUE(queue.take(1h)->empty());
}

TEST(BatchQueue, OfTwoWritersThatWaitForTheSameBatchTheOtherLooksUpAgain) {
  RecordingSink sink;
  const auto stats = test::zero_stats();
  BatchQueue queue({.max_rows = 10, .max_bytes = 1000, .linger = 1ms}, 100, *stats);
  for (int round = 0; round < 50; ++round) {
    queue.push(parcel_of_now(1, sink));
    std::optional<Batch> taken[2];
    std::thread other([&] { taken[1] = queue.take(1ms); });
    taken[0] = queue.take(1ms);
    other.join();
    ASSERT_NE(taken[0].has_value(), taken[1].has_value());
    complete(*std::move(taken[taken[0] ? 0 : 1]));
    queue.settled();
  }
}

TEST(BatchQueue, WithoutWaitingItGivesAndTakesWhatItWouldAtThatTime) {
  RecordingSink sink;
  const auto stats = test::zero_stats();
  BatchQueue queue({.max_rows = 10, .max_bytes = 1000, .linger = 1s}, 5, *stats);
  auto first = parcel(5, 1, sink);
  auto second = parcel(1, 1, sink);
  EXPECT_TRUE(queue.try_push(first, kStart, kStart));
  EXPECT_FALSE(queue.try_push(second, kStart, kStart)) << "5 rows wait";
  EXPECT_TRUE(second);
  EXPECT_TRUE(queue.try_take(kStart + 999ms).empty());
  EXPECT_EQ(queue.due(), kStart + 1s);
  EXPECT_EQ(complete(queue.try_take(kStart + 1s)), 5U);
  queue.settled();
  EXPECT_TRUE(queue.try_push(second, kStart, kStart));
  EXPECT_EQ(complete(queue.try_take(kStart + 1s)), 1U);
}

TEST(BatchQueue, ClosingMakesWhatWaitsDueThenEnds) {
  RecordingSink sink;
  const auto stats = test::zero_stats();
  BatchQueue queue({.max_rows = 10, .max_bytes = 1000, .linger = 1h}, 100, *stats);
  queue.push(parcel(3, 1, sink));
  queue.close();
  EXPECT_EQ(complete(*queue.take(1h)), 3U);
  EXPECT_TRUE(queue.take(1h)->empty());
}

TEST(BatchQueue, EveryTransactionComesOutOnceUnderManyThreadsAndATightBound) {
  RecordingSink sink;
  const auto stats = test::zero_stats();
  BatchQueue queue({.max_rows = 10, .max_bytes = 1000, .linger = 1ms}, 12, *stats);
  std::atomic<std::size_t> out = 0;
  std::mutex completing;
  std::vector<std::thread> writers;
  for (int i = 0; i < 2; ++i) {
    writers.emplace_back([&] {
      for (;;) {
        Batch batch = *queue.take(1h);
        if (batch.empty()) return;
        const std::lock_guard lock(completing);
        out += complete(std::move(batch));
        queue.settled();
      }
    });
  }
  std::vector<std::thread> producers;
  for (int i = 0; i < 3; ++i) {
    producers.emplace_back([&] {
      for (int n = 0; n < 500; ++n)
        queue.push(parcel(3, 10, sink));
    });
  }
  for (auto& producer : producers)
    producer.join();
  queue.close();
  for (auto& writer : writers)
    writer.join();
  EXPECT_EQ(out, 3U * 500U * 3U);
  // The bound is looked at before a push, so each of the producers may exceed it by its own parcel.
  EXPECT_LE(stats::get(*stats, stats::Word::batch_queue_high), 12U + 3U);
}

}  // namespace
}  // namespace txindex::batch
