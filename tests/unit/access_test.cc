// Who may send: the file of tokens, finding one, the bucket, and what is counted of each.
#include <gtest/gtest.h>
#include <unistd.h>

#include <random>
#include <set>
#include <thread>

#include "txindex/limits.h"

#include "access/bucket.h"
#include "access/tokens.h"
#include "stats/segment.h"
#include "stats/tokens.h"
#include "support/expect.h"

namespace txindex::access {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::string line(const std::string& name, const std::string& token, const std::string& more = "") {
  return name + " " + to_string(hash_of(token)) + (more.empty() ? "" : " " + more) + "\n";
}

std::string error_of(const std::string& text) {
  const auto parsed = parse_tokens(text, "/etc/tokens");
  if (parsed) return "accepted";
  EXPECT_EQ(parsed.error().exit_status, kExitConfiguration);
  return parsed.error().message;
}

// --- The file ----------------------------------------------------------------------------------

TEST(TokensTest, AFileHasNamesHashesAndLimits) {
  const auto tokens = parse_tokens("# comment\n\n  # another\n" + line("alice", "a") +
                                       line("b.o_b-2", "b", "rate=1000/s volume=1MiB/s burst=50\r"),
                                   "f");
  ASSERT_TRUE(tokens) << tokens.error().message;
  ASSERT_EQ(tokens->size(), 2U);
  EXPECT_EQ((*tokens)[0].name, "alice");
  EXPECT_EQ((*tokens)[0].rate.per_second, 0U);
  EXPECT_EQ((*tokens)[0].volume.per_second, 0U);
  EXPECT_EQ((*tokens)[1].name, "b.o_b-2");
  EXPECT_EQ((*tokens)[1].rate.per_second, 1000U);
  EXPECT_EQ((*tokens)[1].rate.burst, 50U);
  EXPECT_EQ((*tokens)[1].volume.per_second, 1U << 20);
}

TEST(TokensTest, ABurstNotGivenIsWhatOneSecondLetsThrough) {
  const auto tokens = parse_tokens(line("a", "a", "rate=7/s"), "f");
  EXPECT_EQ((*tokens)[0].rate.burst, 7U);
}

TEST(TokensTest, TheHashIsTheOneThatIsDocumented) {
  // printf txi1hello | sha256sum
  EXPECT_EQ(to_string(hash_of("hello")),
            "sha256:d17add8eb1c17ea4035b45107753305115225b079925f3298378397e51bc5f44");
}

TEST(TokensTest, WhatIsWrongIsSaidWithFileAndLine) {
  EXPECT_HAS(error_of("alice\n"), "tokens: /etc/tokens:1: ");
  EXPECT_HAS(error_of("#\n" + line("a b", "a")), "/etc/tokens:2: ");
  EXPECT_HAS(error_of("alice sha256:12\n"), "64 hexadecimal digits");
  EXPECT_HAS(error_of("alice md5:" + std::string(64, '0') + "\n"), "64 hexadecimal digits");
  EXPECT_HAS(error_of("alice sha256:" + std::string(63, '0') + "g\n"), "64 hexadecimal digits");
  EXPECT_HAS(error_of(line("al/ice", "a")), "a name has 1 to 32 of");
  EXPECT_HAS(error_of(line(std::string(33, 'a'), "a")), "a name has 1 to 32 of");
  EXPECT_HAS(error_of(line("a", "a") + line("a", "b")), "the name a is there twice");
  EXPECT_HAS(error_of(line("a", "a") + line("b", "a")), "b has the same token as a");
  for (const char* limit :
       {"rate=1", "rate=/s", "rate=0/s", "rate=-1/s", "rate=1.5/s", "rate=99999999999/s"}) {
    EXPECT_HAS(error_of(line("a", "a", limit)), "rate= takes") << limit;
  }
  EXPECT_HAS(error_of(line("a", "a", "volume=1MiB")), "volume= takes");
  EXPECT_HAS(error_of(line("a", "a", "volume=lots/s")), "volume= takes");
  EXPECT_HAS(error_of(line("a", "a", "rate=1/s burst=0")), "burst= takes");
  EXPECT_HAS(error_of(line("a", "a", "burst=5")), "burst= needs rate=");
  EXPECT_HAS(error_of(line("a", "a", "speed=5")), "there may be rate=");
  EXPECT_HAS(read_tokens("/nonexistent/tokens").error().message,
             "tokens: /nonexistent/tokens: cannot be read: No such file");
  EXPECT_HAS(read_tokens("/").error().message, "tokens: /: cannot be read");
}

TEST(TokensTest, ATokenWhereItsHashBelongsIsNotRepeated) {
  const std::string token = make_token();
  EXPECT_EQ(error_of("alice " + token + "\n").find(token), std::string::npos);
}

TEST(TokensTest, ThereMayBeSoManyAndNoMore) {
  std::string text;
  for (std::size_t i = 0; i < limits::kTokensMax; ++i)
    text += line("n" + std::to_string(i), "t" + std::to_string(i));
  EXPECT_TRUE(parse_tokens(text, "f"));
  EXPECT_HAS(error_of(text + line("more", "more")), ":65: more than 64 tokens");
}

// --- Tokens ------------------------------------------------------------------------------------

TEST(TokensTest, MadeOnesHave32BytesAndNoTwoAreAlike) {
  std::set<std::string> made;
  std::set<char> letters;
  for (int i = 0; i < 1000; ++i) {
    const std::string token = make_token();
    EXPECT_EQ(token.size(), 43U);
    letters.insert(token.begin(), token.end());
    made.insert(token);
  }
  EXPECT_EQ(made.size(), 1000U);
  EXPECT_EQ(letters.size(), 64U);
  EXPECT_TRUE(letters.contains('-') && letters.contains('_'));
}

TEST(TokensTest, ATokenIsFoundWhereverItStandsAndNothingElseIs) {
  std::vector<std::string> texts;
  std::string file;
  for (int i = 0; i < 10; ++i) {
    texts.push_back(make_token());
    file += line("n" + std::to_string(i), texts.back());
  }
  const auto tokens = *parse_tokens(file, "f");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(find_token(tokens, texts[i]), i);
    std::string wrong = texts[i];
    wrong.back() = wrong.back() == 'A' ? 'B' : 'A';
    EXPECT_EQ(find_token(tokens, wrong), std::nullopt);
    EXPECT_EQ(find_token(tokens, texts[i] + " "), std::nullopt);
    EXPECT_EQ(find_token(tokens, texts[i].substr(1)), std::nullopt);
  }
  EXPECT_EQ(find_token(tokens, ""), std::nullopt);
  EXPECT_EQ(find_token({}, texts[0]), std::nullopt);
}

// --- The bucket --------------------------------------------------------------------------------

TEST(BucketTest, TheBurstPassesAtOnceAndThenTheRateHolds) {
  std::atomic<std::uint64_t> word = 0;
  const Limit limit{.per_second = 10, .burst = 5};
  std::int64_t now = 1000 * kSecond;
  for (int i = 1; i <= 4; ++i)
    EXPECT_EQ(take(word, limit, 1, now), 0) << i;
  // The fifth passes too; the next one has to wait for a tenth of a second.
  EXPECT_EQ(take(word, limit, 1, now), kSecond / 10);
  EXPECT_EQ(wait_ns(word, limit, now), kSecond / 10);
  EXPECT_EQ(wait_ns(word, limit, now + kSecond / 10), 0);
  now += kSecond / 10;
  EXPECT_EQ(take(word, limit, 1, now), kSecond / 10);
}

TEST(BucketTest, CreditDoesNotGrowBeyondTheBurst) {
  std::atomic<std::uint64_t> word = 0;
  const Limit limit{.per_second = 1000, .burst = 3};
  const std::int64_t now = 3600 * kSecond;
  int passed = 1;
  while (take(word, limit, 1, now) == 0)
    ++passed;
  EXPECT_EQ(passed, 3);
}

TEST(BucketTest, ALargePieceIsADebtThatIsWaitedFor) {
  std::atomic<std::uint64_t> word = 0;
  const Limit limit{.per_second = 1000, .burst = 1000};
  const std::int64_t now = 7 * kSecond;
  EXPECT_EQ(take(word, limit, 4000, now), 3 * kSecond + kSecond / 1000);
}

TEST(BucketTest, OverAnyTimeNoMorePassesThanTheLimitSays) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    const Limit limit{.per_second = 1 + random() % 100'000, .burst = 1 + random() % 1000};
    std::atomic<std::uint64_t> word = 0;
    std::int64_t now = kSecond;
    std::uint64_t passed = 0;
    std::int64_t waited = 0;
    for (int i = 0; i < 2000; ++i) {
      now += static_cast<std::int64_t>(random() % 100'000);
      const auto wait = wait_ns(word, limit, now);
      now += wait;
      waited += wait;
      ASSERT_EQ(wait_ns(word, limit, now), 0);
      take(word, limit, 1, now);
      ++passed;
    }
    const double seconds = static_cast<double>(now - kSecond) / 1e9;
    EXPECT_LE(static_cast<double>(passed),
              static_cast<double>(limit.burst) + 1 +
                  seconds * static_cast<double>(limit.per_second) * 1.0001);
    // And no less, once it had to wait.
    if (waited > 0) {
      EXPECT_GE(static_cast<double>(passed) + static_cast<double>(limit.burst) + 1,
                static_cast<double>(waited) / 1e9 * static_cast<double>(limit.per_second));
    }
  }
}

TEST(BucketTest, WithoutALimitNothingWaits) {
  std::atomic<std::uint64_t> word = 0;
  EXPECT_EQ(take(word, Limit{}, 1'000'000, 1), 0);
  EXPECT_EQ(wait_ns(word, Limit{}, 1), 0);
  EXPECT_EQ(word, 0U);
}

TEST(BucketTest, ThreadsTogetherTakeWhatOneWould) {
  std::atomic<std::uint64_t> word = 0;
  const Limit limit{.per_second = 1000, .burst = 1};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n)
        take(word, limit, 1, kSecond);
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(wait_ns(word, limit, kSecond), 4 * kSecond);
}

// --- Counts ------------------------------------------------------------------------------------

TEST(TokenCountsTest, ANameHasOneEntryWhoeverAsks) {
  auto segment = *stats::Segment::create();
  auto other = *stats::Segment::attach(dup(segment.fd()));
  stats::TokenEntry* alice = stats::find_token(segment.tokens(), "alice");
  ASSERT_NE(alice, nullptr);
  EXPECT_EQ(stats::find_token(segment.tokens(), "alice"), alice);
  EXPECT_NE(stats::find_token(segment.tokens(), "bob"), alice);
  stats::find_token(other.tokens(), "alice")->received += 5;
  stats::find_token(other.tokens(), "bob")->rejected += 2;
  const auto all = stats::take_snapshot(segment.tokens());
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name, "alice");
  EXPECT_EQ(all[0].received, 5U);
  EXPECT_EQ(all[1].name, "bob");
  EXPECT_EQ(all[1].rejected, 2U);
}

TEST(TokenCountsTest, ManyWhoClaimAtOnceAgree) {
  auto segment = *stats::Segment::create();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 64; ++n) {
        const int number = i % 2 == 0 ? n : 63 - n;
        auto* entry = stats::find_token(segment.tokens(), "name-" + std::to_string(number));
        entry->received.fetch_add(1);
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  const auto all = stats::take_snapshot(segment.tokens());
  EXPECT_EQ(all.size(), 64U);
  for (const auto& each : all)
    EXPECT_EQ(each.received, 4U) << each.name;
}

TEST(TokenCountsTest, AFullTableSaysSo) {
  auto segment = *stats::Segment::create();
  for (std::size_t i = 0; i < stats::kTokenEntries; ++i)
    ASSERT_NE(stats::find_token(segment.tokens(), std::to_string(i)), nullptr);
  EXPECT_EQ(stats::find_token(segment.tokens(), "one more"), nullptr);
  EXPECT_NE(stats::find_token(segment.tokens(), "7"), nullptr);
}

}  // namespace
}  // namespace txindex::access
