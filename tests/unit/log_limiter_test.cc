// A flood of one kind of message is cut off and counted, and the others go on.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "log/limiter.h"

namespace txindex::log {
namespace {

using namespace std::chrono_literals;

class LimiterTest : public testing::Test {
 protected:
  int admitted(std::string_view kind, int of, Limiter::Time at) {
    int passed = 0;
    for (int i = 0; i < of; ++i)
      passed += limiter.admit(kind, Level::info, at) ? 1 : 0;
    return passed;
  }

  Limiter limiter{3, 10s};
  const Limiter::Time begin{1000s};
};

TEST_F(LimiterTest, LetsTheFirstOfAnIntervalPassAndCountsTheRest) {
  EXPECT_EQ(admitted("a", 100, begin), 3);
  EXPECT_EQ(admitted("a", 100, begin + 9999ms), 0);
  EXPECT_TRUE(limiter.over(begin + 9999ms).empty()) << "not over yet";
  const auto over = limiter.over(begin + 10s);
  ASSERT_EQ(over.size(), 1U);
  EXPECT_EQ(over[0].kind, "a");
  EXPECT_EQ(over[0].count, 197U);
  EXPECT_EQ(over[0].span, 10s);
  EXPECT_TRUE(limiter.over(begin + 20s).empty()) << "told once";
}

TEST_F(LimiterTest, BeginsAnewWithTheNextMessageAfterTheInterval) {
  admitted("a", 100, begin);
  EXPECT_EQ(admitted("a", 100, begin + 15s), 3);
  const auto over = limiter.over(begin + 15s);
  ASSERT_EQ(over.size(), 1U) << "of the first interval only";
  EXPECT_EQ(over[0].count, 97U);
  EXPECT_EQ(admitted("a", 1, begin + 24999ms), 0);
  EXPECT_EQ(admitted("a", 1, begin + 25s), 1);
}

TEST_F(LimiterTest, AFloodOfOneKindLeavesTheOthersAlone) {
  admitted("a", 100, begin);
  EXPECT_EQ(admitted("b", 2, begin), 2);
  const auto over = limiter.over(begin + 1h);
  ASSERT_EQ(over.size(), 1U);
  EXPECT_EQ(over[0].kind, "a");
}

TEST_F(LimiterTest, NothingLeftOutIsNothingToTell) {
  admitted("a", 3, begin);
  EXPECT_TRUE(limiter.over(begin + 1h).empty());
  EXPECT_TRUE(limiter.all(begin + 1h).empty());
}

TEST_F(LimiterTest, KindsAreToldWhenTheirOwnIntervalIsOver) {
  admitted("a", 10, begin);
  admitted("b", 20, begin + 5s);
  ASSERT_EQ(limiter.over(begin + 10s).size(), 1U);
  EXPECT_TRUE(limiter.over(begin + 14s).empty());
  const auto over = limiter.over(begin + 15s);
  ASSERT_EQ(over.size(), 1U);
  EXPECT_EQ(over[0].count, 17U);
}

TEST_F(LimiterTest, AtTheEndEverythingIsTold) {
  admitted("a", 10, begin);
  EXPECT_FALSE(limiter.admit("a", Level::error, begin + 1s));
  const auto all = limiter.all(begin + 2s);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].count, 8U);
  EXPECT_EQ(all[0].span, 2s);
  EXPECT_EQ(all[0].level, Level::error);
  EXPECT_TRUE(limiter.all(begin + 2s).empty());
}

TEST_F(LimiterTest, KindsWithoutEndShareOneLimit) {
  int passed = 0;
  for (int i = 0; i < 5000; ++i)
    passed += admitted("kind " + std::to_string(i), 1, begin);
  EXPECT_EQ(passed, 1003);
  const auto all = limiter.all(begin);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].count, 3997U);
}

TEST_F(LimiterTest, ManyThreadsLoseNothing) {
  std::atomic<std::uint64_t> passed = 0;
  std::atomic<std::uint64_t> told = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        const auto now = begin + i * 10ms;
        passed += limiter.admit("a", Level::info, now) ? 1U : 0U;
        for (const auto& kind : limiter.over(now))
          told += kind.count;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  for (const auto& kind : limiter.all(begin + 1h))
    told += kind.count;
  EXPECT_EQ(passed + told, 16'000U);
  EXPECT_GE(passed, 6U);
}

}  // namespace
}  // namespace txindex::log
