// The shared statistics: the histogram's buckets, the segment between processes, quantiles.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <limits>
#include <random>

#include "stats/block.h"
#include "stats/segment.h"
#include "stats/snapshot.h"

namespace txindex::stats {
namespace {

constexpr std::size_t kLast = kHistogramBuckets - 1;

TEST(HistogramTest, EveryBucketHoldsExactlyTheValuesFromItsFloorToTheNext) {
  for (std::size_t b = 0; b < kHistogramBuckets; ++b) {
    SCOPED_TRACE(b);
    EXPECT_EQ(bucket_of(bucket_floor(b)), b);
    if (b == kLast) continue;
    EXPECT_LT(bucket_floor(b), bucket_floor(b + 1));
    EXPECT_EQ(bucket_of(bucket_floor(b + 1) - 1), b);
  }
  EXPECT_EQ(bucket_of(0), 0u);
  EXPECT_EQ(bucket_floor(kLast), 1ull << 28);
  EXPECT_EQ(bucket_of(std::numeric_limits<std::uint64_t>::max()), kLast);
}

TEST(HistogramTest, BucketsAreInTheOrderOfTheirValues) {
  for (std::uint64_t v = 0; v < 100'000; ++v)
    ASSERT_LE(bucket_of(v), bucket_of(v + 1)) << v;
  for (int bit = 16; bit < 64; ++bit) {
    const std::uint64_t v = 1ull << bit;
    ASSERT_LE(bucket_of(v - 1), bucket_of(v)) << bit;
    ASSERT_LE(bucket_of(v), bucket_of(v + (v - 1))) << bit;
  }
}

TEST(HistogramTest, ABucketIsNoWiderThanAQuarterOfItsFloor) {
  for (std::size_t b = 4; b < kLast; ++b) {
    EXPECT_LE((bucket_floor(b + 1) - bucket_floor(b)) * 4, bucket_floor(b)) << b;
  }
}

TEST(SnapshotTest, QuantilesAreWithinABucketOfTheTruth) {
  auto block = std::make_unique<Block>();
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> durations(7, 2);
  std::vector<std::uint64_t> values(20'000);
  for (auto& v : values) {
    v = static_cast<std::uint64_t>(durations(random));
    record(*block, Timing::commit, v);
  }
  std::sort(values.begin(), values.end());
  const auto timing = take_snapshot(*block)[Timing::commit];
  EXPECT_EQ(timing.count(), values.size());
  EXPECT_EQ(timing.sum_us, std::accumulate(values.begin(), values.end(), std::uint64_t{0}));
  for (const double q : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    const auto truth = values[static_cast<std::size_t>(q * static_cast<double>(values.size()))];
    const auto b = bucket_of(truth);
    EXPECT_GE(timing.quantile_us(q), static_cast<double>(bucket_floor(b))) << q;
    EXPECT_LE(timing.quantile_us(q), static_cast<double>(bucket_floor(b + 1))) << q;
  }
}

TEST(SnapshotTest, QuantilesAtTheEdges) {
  TimingSnapshot timing;
  EXPECT_EQ(timing.quantile_us(0.5), 0);
  timing.buckets[bucket_of(1000)] = 1;
  const auto b = bucket_of(1000);
  EXPECT_EQ(timing.quantile_us(0), static_cast<double>(bucket_floor(b)));
  EXPECT_EQ(timing.quantile_us(1), static_cast<double>(bucket_floor(b + 1)));
  EXPECT_EQ(timing.quantile_us(7), timing.quantile_us(1));
  timing.buckets = {};
  timing.buckets[kLast] = 3;
  EXPECT_EQ(timing.quantile_us(0.99), static_cast<double>(bucket_floor(kLast)));
}

TEST(SnapshotTest, RecordingSeveralAtOnceCountsEach) {
  auto block = std::make_unique<Block>();
  record(*block, Timing::verify, 40, 3);
  const auto copy = take_snapshot(*block);
  EXPECT_EQ(copy[Timing::verify].sum_us, 120u);
  EXPECT_EQ(copy[Timing::verify].buckets[bucket_of(40)], 3u);
  EXPECT_EQ(copy[Timing::commit].count(), 0u);
}

TEST(SnapshotTest, ASumOverBlocksAddsWordsAndTimings) {
  auto one = std::make_unique<Block>();
  auto two = std::make_unique<Block>();
  add(*one, Word::received, 5);
  add(*two, Word::received, 7);
  add(*two, Word::loop_idle_us, 1);
  record(*one, Timing::receive_to_ack, 10);
  record(*two, Timing::receive_to_ack, 20);
  auto total = take_snapshot(*one);
  total += take_snapshot(*two);
  EXPECT_EQ(total[Word::received], 12u);
  EXPECT_EQ(total[Word::loop_idle_us], 1u);
  EXPECT_EQ(total[Timing::receive_to_ack].count(), 2u);
  EXPECT_EQ(total[Timing::receive_to_ack].sum_us, 30u);
}

TEST(SegmentTest, WhatOneProcessCountsAnotherReads) {
  auto segment = Segment::create(3);
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->slot_count(), 3u);
  const pid_t child = fork();
  if (child == 0) {
    auto attached = Segment::attach(segment->fd());
    if (!attached || attached->slot_count() != 3) _exit(1);
    add(attached->block(1, 1), Word::received, 42);
    record(attached->block(1, 1), Timing::verify, 5);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(get(segment->block(0, 0), Word::received), 0u);
  EXPECT_EQ(get(segment->block(1, 0), Word::received), 0u);
  EXPECT_EQ(get(segment->block(1, 1), Word::received), 42u);
  EXPECT_EQ(get(segment->block(2, 1), Word::received), 0u);
  EXPECT_EQ(take_snapshot(*segment, 1)[Timing::verify].count(), 1u);
}

// Whether the kernel would let this process write there.
template <typename Part>
bool writable(const Part& part) {
  const int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  auto* memory = const_cast<Part*>(&part);
  const bool read_into = read(zeros, memory, 8) == 8;
  EXPECT_TRUE(read_into || errno == EFAULT);
  close(zeros);
  const int changed = mprotect(memory, sizeof part, PROT_READ | PROT_WRITE);
  EXPECT_EQ(changed == 0, read_into) << "it cannot be made writable either";
  return read_into;
}

TEST(SegmentTest, AChildWritesItsOwnBlockAndNoOther) {
  auto segment = Segment::create(3);
  ASSERT_TRUE(segment);
  set(segment->block(0, 0), Word::received, 7);
  for (const bool tokens : {true, false}) {
    auto worker = Segment::attach_child(fcntl(segment->fd(), F_DUPFD_CLOEXEC, 0),
                                        {.slot = 1, .side = 1, .tokens = tokens});
    ASSERT_TRUE(worker) << worker.error().message;
    EXPECT_EQ(worker->fd(), -1);
    EXPECT_EQ(get(worker->block(0, 0), Word::received), 7u);
    for (std::size_t slot = 0; slot < 3; ++slot) {
      for (std::size_t side = 0; side < kSides; ++side)
        EXPECT_EQ(writable(worker->block(slot, side)), slot == 1 && side == 1) << slot << side;
    }
    EXPECT_FALSE(writable(worker->service()));
    EXPECT_EQ(writable(worker->tokens()), tokens);
    set(worker->block(1, 1), Word::received, tokens ? 42 : 43);
    EXPECT_EQ(get(segment->block(1, 1), Word::received), tokens ? 42u : 43u);
  }
}

TEST(SegmentTest, AChildOfASlotThatIsNotThereIsRefused) {
  auto segment = Segment::create(2);
  ASSERT_TRUE(segment);
  const auto attach = [&](std::size_t slot, std::size_t side) {
    return Segment::attach_child(fcntl(segment->fd(), F_DUPFD_CLOEXEC, 0),
                                 {.slot = slot, .side = side, .tokens = true});
  };
  EXPECT_TRUE(attach(1, 1));
  EXPECT_FALSE(attach(2, 0));
  EXPECT_FALSE(attach(0, kSides));
  EXPECT_FALSE(Segment::attach_child(-1, {.slot = 0, .side = 0, .tokens = true}));
}

TEST(SegmentTest, ItsSizeCannotBeChangedAndItIsNotInherited) {
  auto segment = Segment::create(2);
  ASSERT_TRUE(segment);
  EXPECT_NE(ftruncate(segment->fd(), 0), 0);
  EXPECT_NE(ftruncate(segment->fd(), 1 << 20), 0);
  EXPECT_TRUE(fcntl(segment->fd(), F_GETFD) & FD_CLOEXEC);
}

TEST(SegmentTest, WhatIsNoSegmentIsRefused) {
  EXPECT_FALSE(Segment::attach(-1));
  EXPECT_FALSE(Segment::attach(open("/dev/null", O_RDWR)));
  const int empty = memfd_create("test", 0);
  ASSERT_EQ(ftruncate(empty, 4096), 0);
  EXPECT_FALSE(Segment::attach(empty));
}

TEST(SegmentTest, AnotherLayoutIsRefused) {
  const auto refused = [](auto change, off_t grow) {
    auto segment = Segment::create(2);
    Header header{};
    EXPECT_EQ(pread(segment->fd(), &header, sizeof(header), 0),
              static_cast<ssize_t>(sizeof(header)));
    change(header);
    const int copy = memfd_create("test", 0);
    struct stat status {};
    fstat(segment->fd(), &status);
    EXPECT_EQ(ftruncate(copy, status.st_size + grow), 0);
    EXPECT_EQ(pwrite(copy, &header, sizeof(header), 0), static_cast<ssize_t>(sizeof(header)));
    return !Segment::attach(copy);
  };
  EXPECT_FALSE(refused([](Header&) {}, 0)) << "an unchanged copy is a segment";
  EXPECT_TRUE(refused([](Header& h) { ++h.magic; }, 0));
  EXPECT_TRUE(refused([](Header& h) { ++h.layout_version; }, 0));
  EXPECT_TRUE(refused([](Header& h) { h.block_bytes += 64; }, 0));
  EXPECT_TRUE(refused([](Header& h) { ++h.word_count; }, 0));
  EXPECT_TRUE(refused([](Header& h) { h.service_bytes += 64; }, 0));
  EXPECT_TRUE(refused([](Header& h) { ++h.block_count; }, 0));
  EXPECT_TRUE(refused([](Header& h) { ++h.block_count; }, sizeof(Block))) << "a slot with one side";
  EXPECT_TRUE(refused([](Header& h) { h.block_count = 0; }, 0));
  EXPECT_TRUE(refused([](Header&) {}, 64));
  EXPECT_TRUE(refused([](Header&) {}, -64));
}

TEST(SegmentTest, ClearingGaugesKeepsCountersAndTheGeneration) {
  auto block = std::make_unique<Block>();
  for (std::size_t i = 0; i < kWords.size(); ++i)
    set(*block, static_cast<Word>(i), i + 1);
  clear_gauges(*block);
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    const bool kept = kWords[i].kind == Kind::counter || static_cast<Word>(i) == Word::generation;
    EXPECT_EQ(get(*block, static_cast<Word>(i)), kept ? i + 1 : 0) << kWords[i].name;
  }
}

}  // namespace
}  // namespace txindex::stats
