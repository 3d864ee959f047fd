// Points against the group law written out in Boost.Multiprecision, and what encodings are refused.
#include <gtest/gtest.h>

#include <boost/multiprecision/cpp_int.hpp>
#include <vector>

#include "support/ed25519_vectors.h"
#include "support/keys.h"
#include "support/random.h"
#include "verify/ed25519/encoding.h"
#include "verify/ed25519/lanes_portable.h"
#include "verify/ed25519/point.h"

namespace txindex::verify::ed25519 {
namespace {

using boost::multiprecision::cpp_int;
using Lanes = PortableLanes;
using test::from_hex;
using Value = std::vector<std::uint8_t>;

const cpp_int kP = (cpp_int(1) << 255) - 19;
const cpp_int kL = (cpp_int(1) << 252) + cpp_int("27742317777372353535851937790883648493");

cpp_int modulo(const cpp_int& value) {
  const cpp_int rest = value % kP;
  return rest < 0 ? cpp_int(rest + kP) : rest;
}
cpp_int power(const cpp_int& a, const cpp_int& exponent) {
  return powm(modulo(a), exponent, kP);
}
cpp_int inverse(const cpp_int& a) {
  return power(a, kP - 2);
}
const cpp_int kCurveD = modulo(-121665 * inverse(121666));

struct Affine {
  cpp_int x, y;
  bool operator==(const Affine&) const = default;
};

Affine sum(const Affine& p, const Affine& q) {
  const cpp_int both = modulo(kCurveD * modulo(p.x * q.x) * modulo(p.y * q.y));
  return {modulo((p.x * q.y + p.y * q.x) * inverse(1 + both)),
          modulo((p.y * q.y + p.x * q.x) * inverse(1 - both))};
}
Affine opposite(const Affine& p) {
  return {modulo(-p.x), p.y};
}

// The x of a point with this y, even; none if there is no such point.
std::vector<cpp_int> even_x(const cpp_int& y) {
  const cpp_int xx = modulo((y * y - 1) * inverse(kCurveD * y * y + 1));
  cpp_int x = power(xx, (kP + 3) / 8);
  if (modulo(x * x) != xx) x = modulo(x * power(2, (kP - 1) / 4));
  if (modulo(x * x) != xx) return {};
  return {(x & 1) == 0 ? x : modulo(-x)};
}

cpp_int random_element(test::Random& random) {
  cpp_int value = 0;
  for (const std::uint8_t byte : random.bytes(40))
    value = (value << 8) + byte;
  return value % kP;
}

// Points at random, and all of small order.
std::vector<Affine> some_points(test::Random& random) {
  std::vector<Affine> points = {{0, 1}, {0, kP - 1}};
  const cpp_int root = power(2, (kP - 1) / 4);
  points.push_back({root, 0});
  points.push_back({modulo(-root), 0});
  for (const int i : {4, 6}) {
    const auto bytes = from_hex(test::kSmallOrder[i]);
    cpp_int y = 0;
    for (std::size_t at = bytes.size(); at > 0; --at)
      y = (y << 8) + bytes[at - 1];
    const cpp_int x = even_x(y).at(0);
    points.push_back({x, y});
    points.push_back({modulo(-x), y});
  }
  while (points.size() < 24) {
    const cpp_int y = random_element(random);
    for (const auto& x : even_x(y))
      points.push_back(sum({x, y}, points[random.below(8)]));
  }
  return points;
}

void put(Element<Lanes>& a, int lane, cpp_int value) {
  for (auto& limb : a.limb) {
    limb.lane[lane] = static_cast<std::uint64_t>(value & kLimbMask);
    value >>= kLimbBits;
  }
}
cpp_int number(const Element<Lanes>& a, int lane) {
  cpp_int value = 0;
  for (int i = kLimbs - 1; i >= 0; --i)
    value = (value << kLimbBits) + a.limb[i].lane[lane];
  return modulo(value);
}

// With a Z of its own.
void put(test::Random& random, Point<Lanes>& p, int lane, const Affine& at) {
  const cpp_int z = random.below(4) == 0 ? cpp_int(1) : random_element(random);
  put(p.y_plus_x, lane, modulo((at.y + at.x) * z));
  put(p.y_minus_x, lane, modulo((at.y - at.x) * z));
  put(p.z, lane, z);
  put(p.t, lane, modulo(modulo(at.x * at.y) * z));
}

void expect_point(const Point<Lanes>& p, int lane, const Affine& want, bool with_t) {
  const cpp_int z = number(p.z, lane);
  ASSERT_NE(z, 0);
  ASSERT_EQ(number(p.y_plus_x, lane), modulo((want.y + want.x) * z));
  ASSERT_EQ(number(p.y_minus_x, lane), modulo((want.y - want.x) * z));
  if (with_t) {
    ASSERT_EQ(number(p.t, lane), modulo(modulo(want.x * want.y) * z));
  }
}

TEST(Ed25519Point, SumsDifferencesAndDoubles) {
  test::Random random;
  const auto points = some_points(random);
  for (int round = 0; round < 20; ++round) {
    Affine p_at[Lanes::kLanes];
    Affine q_at[Lanes::kLanes];
    Point<Lanes> p;
    Point<Lanes> q;
    Point<Lanes> q_affine;
    for (int lane = 0; lane < Lanes::kLanes; ++lane) {
      p_at[lane] = points[random.below(points.size())];
      q_at[lane] = points[random.below(points.size())];
      if (random.below(4) == 0) q_at[lane] = p_at[lane];
      if (random.below(4) == 0) q_at[lane] = opposite(p_at[lane]);
      put(random, p, lane, p_at[lane]);
      put(random, q, lane, q_at[lane]);
      put(q_affine.y_plus_x, lane, modulo(q_at[lane].y + q_at[lane].x));
      put(q_affine.y_minus_x, lane, modulo(q_at[lane].y - q_at[lane].x));
      put(q_affine.z, lane, 1);
      put(q_affine.t, lane, modulo(q_at[lane].x * q_at[lane].y));
    }
    const auto negative = static_cast<Lanes::Mask>(random.below(256));
    const auto affine = addend<Lanes>(q_affine);
    const auto general = add<Lanes, true>(p, addend<Lanes>(q), negative);
    const auto without_t = add<Lanes, false>(p, addend<Lanes>(q), negative);
    const auto of_affine = add<Lanes, true>(
        p, AffineAddend<Lanes>{affine.y_plus_x, affine.y_minus_x, affine.t2d}, negative);
    const auto neutral_lanes = is_neutral<Lanes>(general);
    for (int lane = 0; lane < Lanes::kLanes; ++lane) {
      SCOPED_TRACE(lane);
      const Affine want = sum(p_at[lane], negative >> lane & 1 ? opposite(q_at[lane]) : q_at[lane]);
      ASSERT_NO_FATAL_FAILURE(expect_point(general, lane, want, true));
      ASSERT_NO_FATAL_FAILURE(expect_point(without_t, lane, want, false));
      ASSERT_NO_FATAL_FAILURE(expect_point(of_affine, lane, want, true));
      ASSERT_EQ((neutral_lanes >> lane & 1) != 0, want == (Affine{0, 1}));
      const Affine doubled = sum(p_at[lane], p_at[lane]);
      ASSERT_NO_FATAL_FAILURE(expect_point(twice<Lanes, true>(p), lane, doubled, true));
      ASSERT_NO_FATAL_FAILURE(expect_point(twice<Lanes, false>(p), lane, doubled, false));
    }
  }
}

TEST(Ed25519Point, NeutralIsNotThePointOfOrderTwo) {
  test::Random random;
  Point<Lanes> p;
  const std::vector<Affine> points = some_points(random);
  for (int lane = 0; lane < Lanes::kLanes; ++lane)
    put(random, p, lane, points[static_cast<std::size_t>(lane)]);
  EXPECT_EQ(is_neutral<Lanes>(p), 1);  // the first of them
}

TEST(Ed25519Point, DecompressesWhereThereIsAPointAndSaysWhereThereIsNone) {
  test::Random random;
  int exist = 0;
  for (int round = 0; round < 20; ++round) {
    Element<Lanes> y[2];
    Lanes::Mask odd[2];
    cpp_int numbers[2][Lanes::kLanes];
    for (int i = 0; i < 2; ++i) {
      odd[i] = static_cast<Lanes::Mask>(random.below(256));
      for (int lane = 0; lane < Lanes::kLanes; ++lane) {
        numbers[i][lane] = random_element(random);
        if (random.below(4) == 0) numbers[i][lane] = 2 + random.below(30);
        if (random.below(8) == 0) numbers[i][lane] = kP - 2 - random.below(30);
        if (random.below(16) == 0) numbers[i][lane] = 0;
        put(y[i], lane, numbers[i][lane]);
      }
    }
    Point<Lanes> points[2];
    Lanes::Mask exists[2];
    decompress<Lanes>(points, exists, y, odd);
    for (int i = 0; i < 2; ++i) {
      for (int lane = 0; lane < Lanes::kLanes; ++lane) {
        const auto even = even_x(numbers[i][lane]);
        ASSERT_EQ((exists[i] >> lane & 1) != 0, !even.empty()) << numbers[i][lane];
        if (even.empty()) continue;
        ++exist;
        Affine want = {even[0], numbers[i][lane]};
        if (odd[i] >> lane & 1) want = opposite(want);
        ASSERT_NO_FATAL_FAILURE(expect_point(points[i], lane, want, true));
      }
    }
  }
  EXPECT_GT(exist, 80);
  EXPECT_LT(exist, 240);
}

Value bytes(cpp_int value) {
  Value result(32);
  for (auto& byte : result) {
    byte = static_cast<std::uint8_t>(value & 0xff);
    value >>= 8;
  }
  return result;
}

bool refused(const cpp_int& key, const cpp_int& commitment, const cpp_int& scalar) {
  Value signature = bytes(commitment);
  const Value s = bytes(scalar);
  signature.insert(signature.end(), s.begin(), s.end());
  return is_refused(bytes(key).data(), signature.data());
}

// No signature can be made for most of these by anybody, so that no verdict would tell.
TEST(Ed25519Encoding, RefusesCoordinatesThatAreNotReducedOrOfSmallOrder) {
  const cpp_int good = 9;
  const cpp_int sign_of_x = cpp_int(1) << 255;
  EXPECT_FALSE(refused(good, good, 0));
  for (int n = -40; n < 19; ++n) {
    const cpp_int y = kP + n;
    const bool want = n >= 0 || n == -1;  // -1 has order 2
    for (const cpp_int& encoding : {y, cpp_int(y + sign_of_x)}) {
      EXPECT_EQ(refused(encoding, good, 0), want) << n;
      EXPECT_EQ(refused(good, encoding, 0), want) << n;
    }
  }
  for (int y = 0; y < 40; ++y) {
    EXPECT_EQ(refused(y, good, 0), y < 2) << y;
    EXPECT_EQ(refused(good, y + sign_of_x, 0), y < 2) << y;
  }
  for (const char* small : test::kSmallOrder) {
    const auto point = from_hex(small);
    EXPECT_TRUE(is_refused(point.data(), Value(64, 9).data()));
    cpp_int y = 0;
    for (std::size_t at = point.size(); at > 0; --at)
      y = (y << 8) + point[at - 1];
    EXPECT_TRUE(refused(y, good, 0)) << small;
    EXPECT_TRUE(refused(good, y, 0)) << small;
    // One bit more or less is another matter.
    for (const int bit : {7, 63, 64, 130, 200, 253}) {
      const cpp_int other = y ^ (cpp_int(1) << bit);
      EXPECT_EQ(refused(other, good, 0), other % sign_of_x >= kP) << small;
      EXPECT_EQ(refused(good, other, 0), other % sign_of_x >= kP) << small;
    }
  }
}

TEST(Ed25519Encoding, RefusesScalarsThatAreNotBelowTheOrder) {
  for (int off = -3; off <= 3; ++off) {
    EXPECT_EQ(refused(9, 9, kL + off), off >= 0) << off;
    EXPECT_FALSE(refused(9, 9, (cpp_int(1) << 252) + off));
    EXPECT_TRUE(refused(9, 9, 2 * kL + off));
  }
  for (int bit = 0; bit < 256; ++bit)
    EXPECT_EQ(refused(9, 9, cpp_int(1) << bit), bit > 252) << bit;
  EXPECT_TRUE(refused(9, 9, (cpp_int(1) << 256) - 1));
}

TEST(Ed25519Encoding, LimbsAreTheCoordinateWithoutTheSign) {
  test::Random random;
  for (int round = 0; round < 200; ++round) {
    auto point = random.bytes(32);
    if (round == 0) point.assign(32, 0xff);
    std::uint64_t limbs[3 * kLimbs] = {};
    load_limbs(limbs + 1, 3, point.data());
    cpp_int want = 0;
    for (std::size_t at = point.size(); at > 0; --at)
      want = (want << 8) + point[at - 1];
    cpp_int got = 0;
    for (int i = kLimbs - 1; i >= 0; --i) {
      EXPECT_LE(limbs[3 * i + 1], kLimbMask);
      EXPECT_EQ(limbs[3 * i], 0U);
      got = (got << kLimbBits) + limbs[3 * i + 1];
    }
    EXPECT_EQ(got, want % (cpp_int(1) << 255));
  }
}

}  // namespace
}  // namespace txindex::verify::ed25519
