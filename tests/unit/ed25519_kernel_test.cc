// The verdicts of every kernel that this machine can run are libsodium's, whatever stands beside a
// signature in the other lanes.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/ed25519_vectors.h"
#include "support/keys.h"
#include "support/random.h"
#include "unit/ed25519_kernel_fixture.h"

namespace txindex::verify::ed25519 {
namespace {

using test::from_hex;
using test::Random;

class Ed25519Kernel : public KernelTest {};
INSTANTIATE_TEST_SUITE_P(Kernels, Ed25519Kernel, testing::ValuesIn(kernels()),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(Ed25519Kernel, VectorsOfRfc8032InEveryLane) {
  std::vector<Case> cases;
  for (const auto& vector : test::kRfc8032)
    cases.push_back({from_hex(vector.key), from_hex(vector.signature), from_hex(vector.message)});
  ASSERT_EQ(cases.size() % 2, 1U);
  // An odd number of them eight times: each comes to each lane.
  std::vector<Case> all;
  for (int lane = 0; lane < kSignatures; ++lane)
    all.insert(all.end(), cases.begin(), cases.end());
  const Counts counts = judge(all);
  EXPECT_EQ(counts.valid, all.size());
}

TEST_P(Ed25519Kernel, ValidSignaturesOfMessagesOfEveryLength) {
  Random random;
  std::vector<Case> cases;
  for (std::size_t length = 0; length <= 1300; length += length < 300 ? 1 : 7)
    cases.push_back(signed_case(random, length));
  const Counts counts = judge_mixed(random, cases);
  EXPECT_EQ(counts.valid, cases.size());
  EXPECT_GT(cases.size(), 400U);
}

TEST_P(Ed25519Kernel, EverySingleFlippedBit) {
  Random random;
  const Case good = signed_case(random, 20);
  std::vector<Case> cases;
  for (const auto part : {&Case::key, &Case::signature, &Case::message}) {
    for (std::size_t bit = 0; bit < (good.*part).size() * 8; ++bit) {
      cases.push_back(good);
      (cases.back().*part)[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    }
  }
  const Counts counts = judge_mixed(random, cases);
  EXPECT_EQ(counts.invalid, (32U + 64 + 20) * 8);
}

TEST_P(Ed25519Kernel, OneBadAmongGoodAndOneGoodAmongBadInEveryLane) {
  Random random;
  const auto bad_case = [&] {
    Case one = signed_case(random, random.below(300));
    Value& part = random.coin() ? one.key : one.signature;
    part[random.below(part.size())] ^= static_cast<std::uint8_t>(1U << random.below(8));
    return one;
  };
  std::vector<Case> cases;
  for (std::size_t lane = 0; lane < kSignatures; ++lane) {
    for (const bool odd_one_is_bad : {true, false}) {
      for (std::size_t i = 0; i < kSignatures; ++i)
        cases.push_back((i == lane) == odd_one_is_bad ? bad_case()
                                                      : signed_case(random, random.below(300)));
    }
  }
  const Counts counts = judge(cases);
  EXPECT_EQ(counts.valid, 64U);
  EXPECT_EQ(counts.invalid, 64U);
}

// What is right in one lane is wrong in another.
TEST_P(Ed25519Kernel, PartsOfOtherSignatures) {
  Random random;
  std::vector<Case> cases;
  for (int round = 0; round < 8; ++round) {
    std::vector<Case> eight;
    for (int i = 0; i < kSignatures; ++i)
      eight.push_back(signed_case(random, 100));
    for (const auto part : {&Case::key, &Case::signature, &Case::message}) {
      auto moved = eight;
      for (std::size_t i = 0; i < kSignatures; ++i)
        moved[i].*part = eight[(i + static_cast<std::size_t>(round)) % kSignatures].*part;
      cases.insert(cases.end(), moved.begin(), moved.end());
    }
  }
  const Counts counts = judge(cases);
  EXPECT_EQ(counts.valid, 24U);
  EXPECT_EQ(counts.invalid, 7U * 24);
}

TEST_P(Ed25519Kernel, Garbage) {
  Random random;
  std::vector<Case> cases;
  for (int round = 0; round < 480; ++round) {
    Case one = signed_case(random, random.below(200));
    // Bytes that are no point half of the time; with an S that is refused, or not.
    if (round % 2 == 0) one.key = random.bytes(32);
    if (round % 4 < 2) std::ranges::copy(random.bytes(32), one.signature.begin());
    if (round % 8 < 3) std::ranges::copy(random.bytes(32), one.signature.begin() + 32);
    cases.push_back(one);
  }
  const Counts counts = judge_mixed(random, cases);
  EXPECT_EQ(counts.valid, 120U);
  EXPECT_EQ(counts.invalid, 360U);
}

}  // namespace
}  // namespace txindex::verify::ed25519
