// Kernels are as strict as libsodium 1.0.18, and no stricter: points of small and of mixed order,
// points and scalars written in ways that are not the canonical one.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/ed25519_signing.h"
#include "support/ed25519_vectors.h"
#include "support/random.h"
#include "unit/ed25519_kernel_fixture.h"

namespace txindex::verify::ed25519 {
namespace {

using test::add;
using test::from_hex;
using test::Random;
using test::random_scalar;
using test::sign;
using test::sodium_accepts;
using test::sum;
using test::times_base;

class Ed25519Strict : public KernelTest {};
INSTANTIATE_TEST_SUITE_P(Kernels, Ed25519Strict, testing::ValuesIn(kernels()),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(Ed25519Strict, EveryPairOfPointsOfSmallOrderHoweverWritten) {
  Random random;
  std::vector<Case> cases;
  for (const char* key : test::kSmallOrder) {
    for (const char* commitment : test::kSmallOrder) {
      for (int round = 0; round < 6; ++round) {
        Case one{from_hex(key), from_hex(commitment), random.bytes(round)};
        const Value s = round < 4 ? Value(32) : random_scalar(random);
        one.signature.insert(one.signature.end(), s.begin(), s.end());
        cases.push_back(one);
      }
    }
  }
  EXPECT_EQ(judge_mixed(random, cases).invalid, 14U * 14 * 6);
}

// A = a B + T and R = r B + T', also with a = 0 or r = 0. The equation holds when h T + T' is
// neutral; times eight it always does, and some other libraries ask for no more.
TEST_P(Ed25519Strict, KeysAndCommitmentsOfMixedOrder) {
  Random random;
  const auto points = test::torsion();
  const Value zero(32);
  std::vector<Case> cases;
  std::size_t want_valid = 0;
  std::size_t refused = 0;  // in spite of the equation
  for (std::size_t i = 0; i < 8; ++i) {
    for (std::size_t j = 0; j < 8; ++j) {
      for (int round = 0; round < 16; ++round) {
        const bool no_a = round % 6 == 0;
        const bool no_r = round % 6 == 1;
        const Value a = no_a ? zero : random_scalar(random);
        const Value r = no_r ? zero : random_scalar(random);
        const Value key = sum(times_base(a), points[i]);
        const Value commitment = sum(times_base(r), points[j]);
        const Case one = sign(a, key, r, commitment, random.bytes(20));
        const bool holds = (test::signature_hash(commitment, key, one.message)[0] * i + j) % 8 == 0;
        const bool valid = holds && !no_a && !no_r;
        EXPECT_EQ(sodium_accepts(one), valid);
        want_valid += valid ? 1 : 0;
        refused += holds && !valid ? 1 : 0;
        cases.push_back(one);
      }
    }
  }
  const Counts counts = judge_mixed(random, cases);
  EXPECT_EQ(counts.valid, want_valid);
  EXPECT_GT(want_valid, 16U);  // those without T and T' are
  EXPECT_GT(counts.invalid, want_valid);
  EXPECT_GT(refused, 8U);
}

// The neutral point and others of small order, with the sign that they do not have or p above their
// y, where the equation holds: h A = 0 for one message in eight at least.
TEST_P(Ed25519Strict, PointsOfSmallOrderWhereTheEquationHolds) {
  Random random;
  std::vector<Case> cases;
  for (const char* small : test::kSmallOrder) {
    const Value point = from_hex(small);
    for (int round = 0; round < 24; ++round) {
      const Value scalar = random_scalar(random);
      const Value other = times_base(scalar);
      const Value message = random.bytes(8);
      cases.push_back(sign(Value(32), point, scalar, other, message));
      cases.push_back(sign(scalar, other, Value(32), point, message));
    }
  }
  EXPECT_EQ(judge_mixed(random, cases).invalid, 14U * 48);
}

TEST_P(Ed25519Strict, TheSameScalarWrittenOtherwise) {
  Random random;
  const Value order = from_hex(test::kGroupOrder);
  std::vector<Case> cases;
  for (int round = 0; round < 8; ++round) {
    Case one = signed_case(random, 30);
    for (int times = 0; times < 15; ++times) {
      cases.push_back(one);
      const Value s(one.signature.begin() + 32, one.signature.end());
      std::ranges::copy(add(s, order), one.signature.begin() + 32);
    }
  }
  const Counts counts = judge_mixed(random, cases);
  EXPECT_EQ(counts.valid, 8U);
  EXPECT_EQ(counts.invalid, 8U * 14);
}

TEST_P(Ed25519Strict, ScalarsAtTheirBorders) {
  Random random;
  const Value order = from_hex(test::kGroupOrder);
  const Value minus_one(32, 0xff);
  std::vector<Value> scalars = {Value(32), order, add(order, minus_one), minus_one};
  scalars.push_back({1});
  for (const int highest : {0x0f, 0x10, 0x11, 0x1f, 0x20, 0x40, 0x7f, 0x80, 0xf0}) {
    scalars.emplace_back(32).back() = static_cast<std::uint8_t>(highest);
    scalars.emplace_back(32, 0xff).back() = static_cast<std::uint8_t>(highest);
  }
  std::vector<Case> cases;
  for (Value& s : scalars) {
    s.resize(32);
    for (int round = 0; round < 2; ++round) {
      Case one = signed_case(random, 30);
      std::ranges::copy(s, one.signature.begin() + 32);
      cases.push_back(one);
    }
  }
  EXPECT_EQ(judge_mixed(random, cases).invalid, cases.size());
}

// y of 0 to 40 and as many on both sides of p, and near 2^255: some are no point, some not reduced.
TEST_P(Ed25519Strict, CoordinatesThatAreNoPointOrNotReduced) {
  Random random;
  std::vector<Value> points;
  for (int n = 0; n < 40; ++n) {
    points.emplace_back(32)[0] = static_cast<std::uint8_t>(n);
    points.emplace_back(32, 0xff)[0] = static_cast<std::uint8_t>(0xff - n);
    points.back()[31] = 0x7f;
  }
  Value one(32);
  one[0] = 1;
  const Value base = times_base(one);
  std::vector<Case> cases;
  int curve = 0;
  for (Value& point : points) {
    for (const int sign_of_x : {0x00, 0x80}) {
      point[31] = static_cast<std::uint8_t>((point[31] & 0x7f) | sign_of_x);
      Value sum_of(32);
      curve += crypto_core_ed25519_add(sum_of.data(), point.data(), base.data()) == 0 ? 1 : 0;
      const Value scalar = random_scalar(random);
      const Value message = random.bytes(8);
      cases.push_back(sign(Value(32), point, scalar, times_base(scalar), message));
      cases.push_back(sign(scalar, times_base(scalar), Value(32), point, message));
    }
  }
  EXPECT_GT(curve, 20);
  EXPECT_LT(curve, 140);
  EXPECT_EQ(judge_mixed(random, cases).invalid, cases.size());
}

}  // namespace
}  // namespace txindex::verify::ed25519
