// The families of C2SP's CCTV ed25519 vectors, made anew from their description: points of small
// and of mixed order, canonical and not, and hashes of a point's other encoding. Each signature
// satisfies the equation of verification with a cofactor; the chains' rule is stricter.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "support/ed25519_signing.h"
#include "support/ed25519_vectors.h"
#include "support/random.h"
#include "unit/ed25519_kernel_fixture.h"

namespace txindex::verify::ed25519 {
namespace {

using test::from_hex;
using test::Random;

class Ed25519Cctv : public KernelTest {};
INSTANTIATE_TEST_SUITE_P(Kernels, Ed25519Cctv, testing::ValuesIn(kernels()),
                         [](const auto& tested) { return tested.param.name; });

struct Encoded {
  Value bytes;
  Value canonical;
  Value scalar;       // the point is scalar B + times T, for a point T of order 8
  std::size_t times;  // 0 to 7
  bool low_order;     // no B in it
  bool non_canonical() const { return bytes != canonical; }
};

// With a scalar and each point of small order; and these alone, in each of the 14 ways to write
// them.
std::vector<Encoded> encoded_points(Random& random) {
  const auto torsion = test::torsion();
  std::vector<Encoded> points;
  for (std::size_t times = 0; times < torsion.size(); ++times) {
    const Value scalar = test::random_scalar(random);
    const Value point = test::sum(test::times_base(scalar), torsion[times]);
    points.push_back({point, point, scalar, times, false});
  }
  for (const char* small : test::kSmallOrder) {
    const Value bytes = from_hex(small);
    const Value canonical = test::sum(bytes, torsion[0]);
    const auto times = std::ranges::find(torsion, canonical) - torsion.begin();
    points.push_back({bytes, canonical, Value(32), static_cast<std::size_t>(times), true});
  }
  return points;
}

struct Vector {
  Case parts;
  bool low_order_a, low_order_r;
  bool non_canonical_a, non_canonical_r;
  bool low_order_component_a, low_order_component_r;
  std::size_t residue;  // times T
  bool reencoded_k;
};

// For every residue that h A + R - S B can have with this h, which is of the canonical encoding of
// A, or R, if that is asked for; the residue is that of the true h all the same.
void add_vectors(std::vector<Vector>& vectors, const Encoded& a, const Encoded& r, bool reencode_a,
                 bool reencode_r, Random& random) {
  const std::size_t step = std::gcd(a.times, std::size_t{8});
  for (std::size_t residue = r.times % step; residue < 8; residue += step) {
    Value message = random.bytes(12);
    const auto residue_now = [&] {
      return (test::signature_hash(r.bytes, a.bytes, message)[0] * a.times + r.times) % 8;
    };
    while (residue_now() != residue)
      message = random.bytes(12);
    const Value h = test::signature_hash(reencode_r ? r.canonical : r.bytes,
                                         reencode_a ? a.canonical : a.bytes, message);
    vectors.push_back(
        {.parts = {a.bytes, test::signature_of(a.scalar, r.scalar, r.bytes, h), message},
         .low_order_a = a.low_order,
         .low_order_r = r.low_order,
         .non_canonical_a = a.non_canonical(),
         .non_canonical_r = r.non_canonical(),
         .low_order_component_a = a.times != 0,
         .low_order_component_r = r.times != 0,
         .residue = residue,
         .reencoded_k = reencode_a || reencode_r});
  }
}

std::vector<Vector> all_vectors(Random& random) {
  const auto keys = encoded_points(random);
  const auto commitments = encoded_points(random);
  std::vector<Vector> vectors;
  for (const auto& a : keys) {
    for (const auto& r : commitments) {
      for (const bool reencode_a : {false, true}) {
        for (const bool reencode_r : {false, true}) {
          if ((reencode_a && !a.non_canonical()) || (reencode_r && !r.non_canonical())) continue;
          add_vectors(vectors, a, r, reencode_a, reencode_r, random);
        }
      }
    }
  }
  return vectors;
}

TEST_P(Ed25519Cctv, EveryCombination) {
  Random random;
  const auto vectors = all_vectors(random);
  std::vector<Case> cases;
  std::size_t valid = 0;
  for (const auto& vector : vectors) {
    // What is not written canonically is of small order; what is hashed otherwise, too.
    const bool follows_the_rule = !vector.low_order_a && !vector.low_order_r && vector.residue == 0;
    EXPECT_EQ(test::sodium_accepts(vector.parts), follows_the_rule) << hex(vector.parts.signature);
    valid += follows_the_rule ? 1 : 0;
    cases.push_back(vector.parts);
  }
  // A T of order n lets an A have n residues: the eight A with a scalar have 43 together, the 14
  // of small order 56, and the six of these that are not canonical 13. Of R there are 22, 14 and 6.
  const auto count = [&](auto has) {
    return static_cast<std::size_t>(std::ranges::count_if(vectors, has));
  };
  constexpr std::size_t kOfA = 43 + 56;
  constexpr std::size_t kOfR = 22;
  ASSERT_EQ(vectors.size(), (kOfA + 13) * (kOfR + 6));
  EXPECT_EQ(count([](const Vector& v) { return v.reencoded_k; }), vectors.size() - kOfA * kOfR);
  EXPECT_EQ(count([](const Vector& v) { return v.low_order_a; }), (56U + 13) * (kOfR + 6));
  EXPECT_EQ(count([](const Vector& v) { return v.low_order_r; }), (kOfA + 13) * (14 + 6));
  EXPECT_EQ(count([](const Vector& v) { return v.low_order_a && v.low_order_r; }), 69U * 20);
  EXPECT_EQ(count([](const Vector& v) { return v.non_canonical_a; }), (kOfR + 6) * 2 * 13);
  EXPECT_EQ(count([](const Vector& v) { return v.non_canonical_r; }), (kOfA + 13) * 2 * 6);
  EXPECT_EQ(count([](const Vector& v) { return v.non_canonical_a && v.non_canonical_r; }),
            2U * 13 * 2 * 6);
  EXPECT_EQ(count([](const Vector& v) { return v.low_order_component_a && !v.low_order_a; }),
            42U * (kOfR + 6));
  EXPECT_EQ(count([](const Vector& v) { return v.low_order_component_r && !v.low_order_r; }),
            (kOfA + 13) * 7);
  // Of nothing but scalars and the points B has: one is valid for each of the 43, and each R that
  // the T of A can cancel.
  const auto of_mixed_order = [](const Vector& v) { return !v.low_order_a && !v.low_order_r; };
  EXPECT_EQ(count(of_mixed_order), 43U * 8);
  EXPECT_EQ(valid, 43U);
  // Libraries that forgive a residue, or points of small order, would accept these.
  EXPECT_EQ(count([&](const Vector& v) { return of_mixed_order(v) && v.residue != 0; }),
            43U * 8 - 43);
  EXPECT_EQ(count([&](const Vector& v) {
              return !of_mixed_order(v) && v.residue == 0 && !v.reencoded_k;
            }),
            309U - 43);

  const Counts counts = judge_mixed(random, cases);
  EXPECT_EQ(counts.valid, valid);
  EXPECT_EQ(counts.invalid, vectors.size() - valid);
}

}  // namespace
}  // namespace txindex::verify::ed25519
