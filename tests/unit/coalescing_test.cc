// When an event loop rests so that what comes one by one is done together.
#include "process/coalescing.h"

#include <gtest/gtest.h>

#include <thread>

#include "process/worker_options.h"

namespace txindex::process {
namespace {

constexpr Coalescing::Options kOptions{.window_us = 1000, .busy_count = 8, .rest_us = 500};

class CoalescingTest : public ::testing::Test {
 protected:
  // As a loop that looks every 100 us, while `each` come between two looks. What it says last.
  std::int64_t look_for(std::int64_t us, std::uint64_t each) {
    std::int64_t rest_us = 0;
    for (const std::int64_t until = now_us + us; now_us < until; now_us += 100) {
      received += each;
      rest_us = coalescing.rest_us(now_us, received);
    }
    return rest_us;
  }

  Coalescing coalescing{kOptions};
  std::int64_t now_us = 5'000'000;
  std::uint64_t received = 0;
};

TEST_F(CoalescingTest, NothingIsHeldBackWhereLittleComes) {
  EXPECT_EQ(coalescing.rest_us(now_us, received), 0);
  EXPECT_EQ(look_for(10'000, 0), 0);
  // A window has just passed.
  received += 7;
  EXPECT_EQ(coalescing.rest_us(now_us, received), 0) << "seven are less than eight";
  now_us += 1000;
  received += 8;
  EXPECT_EQ(coalescing.rest_us(now_us, received), kOptions.rest_us);
}

TEST_F(CoalescingTest, RestsWhileMuchComesAndForOneWindowMore) {
  look_for(1000, 1);
  EXPECT_EQ(look_for(10'000, 1), kOptions.rest_us);
  EXPECT_EQ(look_for(900, 0), kOptions.rest_us);
  EXPECT_EQ(look_for(2000, 0), 0);
}

TEST_F(CoalescingTest, WhatCameOverALongTimeIsNotMuch) {
  coalescing.rest_us(now_us, received);
  now_us += 10'500;
  received += 83;
  EXPECT_EQ(coalescing.rest_us(now_us, received), 0);
  now_us += 10'500;
  received += 84;
  EXPECT_EQ(coalescing.rest_us(now_us, received), kOptions.rest_us);
}

TEST_F(CoalescingTest, ARestIsShortAndNoLongerThanABatchWaits) {
  config::Config config;
  config.batch_linger = std::chrono::microseconds(800);
  EXPECT_EQ(coalescing_options(config).rest_us, 800);
  config.batch_linger = std::chrono::seconds(1);
  EXPECT_EQ(coalescing_options(config).rest_us, 2000);
  config.batch_linger = std::chrono::microseconds(0);
  EXPECT_EQ(coalescing_options(config).rest_us, 0);
}

TEST(Rest, EndsWhenItsTimeIsOver) {
  Rest rest;
  rest.wake();
  rest.begin_turn();
  const auto begin = std::chrono::steady_clock::now();
  rest.wait_for(std::chrono::milliseconds(20));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(20))
      << "what was handed over before the turn is done in it";
}

TEST(Rest, IsEndedByWhatIsHandedOver) {
  Rest rest;
  rest.begin_turn();
  rest.wake();
  rest.wait_for(std::chrono::hours(1));  // it came before the rest
  rest.begin_turn();
  std::thread other([&] { rest.wake(); });
  rest.wait_for(std::chrono::hours(1));
  other.join();
}

}  // namespace
}  // namespace txindex::process
