// From the hash to the verdict, with hashes of our choosing: numbers u and v of any length, which
// no message can be found for. libsodium makes the points that satisfy the equation.
#include <gtest/gtest.h>
#include <sodium.h>

#include <array>
#include <boost/multiprecision/cpp_int.hpp>
#include <cstring>

#include "support/random.h"
#include "unit/ed25519_half.h"
#include "verify/ed25519/lanes_portable.h"
#include "verify/ed25519/multipliers.h"
#include "verify/ed25519/scalar.h"
#include "verify/ed25519/verify_lanes.h"

namespace txindex::verify::ed25519 {
namespace {

using boost::multiprecision::cpp_int;
using Lanes = PortableLanes;
using Bytes32 = std::array<std::uint8_t, 32>;

const cpp_int kL = (cpp_int(1) << 252) + cpp_int("27742317777372353535851937790883648493");

Bytes32 bytes(cpp_int value) {
  Bytes32 result;
  for (auto& byte : result) {
    byte = static_cast<std::uint8_t>(value & 0xff);
    value >>= 8;
  }
  return result;
}

cpp_int number(const std::uint8_t* from) {
  cpp_int value = 0;
  for (int i = 31; i >= 0; --i)
    value = (value << 8) + from[i];
  return value;
}

cpp_int random_number(test::Random& random) {
  return number(random.bytes(32).data());
}

Bytes32 times_base(const cpp_int& by) {
  Bytes32 point = {1};
  if (by % kL != 0) {
    EXPECT_EQ(crypto_scalarmult_ed25519_base_noclamp(point.data(), bytes(by % kL).data()), 0);
  }
  return point;
}

// The lowest `count` digits, of kBits bits each.
template <int kBits, int kWords>
cpp_int digits_of(const std::uint64_t (&words)[kWords][kSignatures], int lane, int count) {
  constexpr int kHalf = 1 << (kBits - 1);
  cpp_int sum = 0;
  for (int i = count - 1; i >= 0; --i) {
    const int at = i * kBits;
    const auto value = static_cast<int>(words[at / 64][lane] >> (at % 64) & (2 * kHalf - 1));
    sum = (sum << kBits) + (value - kHalf);
  }
  return sum;
}

// Eight h and S, and what is made of them.
struct Eight {
  explicit Eight(test::Random& random) {
    for (int lane = 0; lane < kSignatures; ++lane) {
      h[lane] = random_number(random) % kL;
      set_s(lane, random_number(random) % kL);
    }
  }
  void set_s(int lane, const cpp_int& value) {
    const auto s = bytes(value);
    std::copy(s.begin(), s.end(), signature[lane] + 32);
  }
  Multipliers multipliers(std::uint8_t skipped) {
    Triple triples[kSignatures];
    std::uint64_t hash[8][kSignatures] = {};
    for (int lane = 0; lane < kSignatures; ++lane) {
      triples[lane] = {nullptr, signature[lane], nullptr, 0};
      const auto one = bytes(h[lane]);
      for (int w = 0; w < 4; ++w)
        std::memcpy(&hash[w][lane], &one[static_cast<std::size_t>(8 * w)], 8);
    }
    Scalar reduced[kSignatures];
    reduce_all(reduced, hash);
    HalfPair pairs[kSignatures];
    half_all<PortableLanes>(pairs, reduced);
    return make_multipliers(triples, pairs, skipped);
  }
  cpp_int s(int lane) const { return number(signature[lane] + 32); }

  cpp_int h[kSignatures];
  std::uint8_t signature[kSignatures][64] = {};
};

// h < L close to 8L k / t with t even, of more than 8 bits. The pair with v = t will not do, so
// another is taken, with more bits than usual: the more, the further t is from 128 bits.
cpp_int long_pair(int t_bits) {
  for (cpp_int t = (cpp_int(1) << t_bits) + 2;; t += 2) {
    const cpp_int k = (t / 8) | 1;
    cpp_int h = 8 * kL * (k - 2) / t;
    if (gcd(t / 2, k - 2) == 1) return h + 1;
  }
}

int longest(const cpp_int& h) {
  const HalfPair pair = half(load_scalar(bytes(h).data()));
  return pair.holds ? std::max(bit_length(pair.u), bit_length(pair.v)) : 256;
}

TEST(Ed25519Multipliers, DigitsAreTheNumbersOfTheirLane) {
  test::Random random;
  for (int round = 0; round < 200; ++round) {
    Eight eight(random);
    if (round % 4 == 0) eight.h[round / 4 % 8] = long_pair(100 + round % 56);
    if (round % 4 == 1) eight.h[round / 4 % 8] = random.below(3);
    if (round % 4 == 2) eight.set_s(round / 4 % 8, random.coin() ? cpp_int(0) : cpp_int(kL - 1));
    const auto skipped = static_cast<std::uint8_t>(round % 3 == 0 ? random.below(256) : 0);
    const Multipliers by = eight.multipliers(skipped);
    EXPECT_EQ(by.undecided & skipped, 0);
    ASSERT_GE(by.digits, kBaseDigits);
    ASSERT_LE(by.digits, kDigitsMax);
    for (int lane = 0; lane < kSignatures; ++lane) {
      const cpp_int u = digits_of<kDigitBits>(by.u, lane, by.digits);
      cpp_int v = digits_of<kDigitBits>(by.v, lane, by.digits);
      if (by.v_negative >> lane & 1) v = -v;
      const cpp_int vs = digits_of<kBaseDigitBits>(by.vs, lane, kBaseDigits);
      if ((skipped | by.undecided) >> lane & 1) {
        EXPECT_TRUE(u == 0 && v == 0 && vs == 0);
        continue;
      }
      EXPECT_EQ((v * eight.h[lane] - u) % (8 * kL), 0);
      EXPECT_NE(v % 2, 0);
      EXPECT_LT(abs(v), kL);
      EXPECT_EQ((v * eight.s(lane) - vs) % kL, 0);
    }
  }
}

TEST(Ed25519Multipliers, PairsThatAreTooLongAreUndecided) {
  test::Random random;
  int decided = 0;
  int undecided = 0;
  for (int t_bits = 128; t_bits < 250; t_bits += 3) {
    Eight eight(random);
    const int lane = t_bits % kSignatures;
    eight.h[lane] = long_pair(t_bits);
    const bool too_long = longest(eight.h[lane]) > (kDigitsMax - 1) * kDigitBits;
    const Multipliers by = eight.multipliers(0);
    EXPECT_EQ(by.undecided, too_long ? 1 << lane : 0);
    EXPECT_EQ(eight.multipliers(static_cast<std::uint8_t>(1 << lane)).undecided, 0);
    (too_long ? undecided : decided) += 1;
  }
  EXPECT_GT(decided, 0);
  EXPECT_GT(undecided, 0);
}

// A = a B and R = r B; S = r + h a, or one more.
TEST(Ed25519Multipliers, TheEquationHoldsForPairsOfEveryLength) {
  test::Random random;
  unsigned longest_seen = 0;
  int decided = 0;
  for (int t_bits = 8; t_bits < 156; t_bits += 7) {
    Eight eight(random);
    std::uint64_t limbs[2][kLimbs][kSignatures];
    Lanes::Mask minus_odd[2] = {0, 0};
    const auto wrong = static_cast<unsigned>(random.below(256));
    for (int lane = 0; lane < kSignatures; ++lane) {
      if (lane % 2 == 0) eight.h[lane] = long_pair(t_bits + lane);
      const cpp_int a = random_number(random) % kL;
      const cpp_int r = random_number(random) % kL;
      eight.set_s(lane, (r + eight.h[lane] * a + (wrong >> lane & 1)) % kL);
      const Bytes32 points[2] = {times_base(a), times_base(r)};
      for (int p = 0; p < 2; ++p) {
        load_limbs(&limbs[p][0][lane], kSignatures, points[p].data());
        if (points[p][31] < 0x80) minus_odd[p] = static_cast<Lanes::Mask>(minus_odd[p] | 1 << lane);
      }
    }
    const Multipliers by = eight.multipliers(0);
    longest_seen = std::max(longest_seen, static_cast<unsigned>(by.digits));
    Element<Lanes> y[2];
    for (int p = 0; p < 2; ++p)
      for (int i = 0; i < kLimbs; ++i)
        y[p].limb[i] = Lanes::load(limbs[p][i]);
    Point<Lanes> minus_points[2];
    Lanes::Mask exists[2];
    decompress<Lanes>(minus_points, exists, y, minus_odd);
    ASSERT_EQ(exists[0] & exists[1], 0xff);
    const auto zero =
        is_neutral<Lanes>(multiply<Lanes>(by, minus_points[0], minus_points[1], base_tables()));
    for (int lane = 0; lane < kSignatures; ++lane) {
      if (by.undecided >> lane & 1) continue;
      ++decided;
      EXPECT_EQ((zero >> lane & 1) != 0, (wrong >> lane & 1) == 0) << "lane " << lane;
    }
  }
  EXPECT_GT(decided, 100);
  EXPECT_GT(longest_seen, 37U);
}

// The y of i B and i 2^128 B, from y + x and y - x, and x's parity, as libsodium writes them.
TEST(Ed25519Multipliers, TheTablesAreMultiplesOfTheBasePoint) {
  const cpp_int p = (cpp_int(1) << 255) - 19;
  const cpp_int half_of = (p + 1) / 2;
  const cpp_int inverse = powm(cpp_int(121666), cpp_int(p - 2), p);
  const cpp_int d = (p - 121665) * inverse % p;
  const auto element = [](const std::uint64_t* limbs) {
    cpp_int value = 0;
    for (int i = kLimbs - 1; i >= 0; --i)
      value = (value << kLimbBits) + limbs[i];
    return value;
  };
  for (const bool high : {false, true}) {
    const BaseTable& table = high ? base_tables().high : base_tables().low;
    for (int i = 0; i < kBaseRows; ++i) {
      const std::uint64_t* row = table.row[i];
      const cpp_int sum = element(row);
      const cpp_int difference = element(row + kLimbs);
      const cpp_int y = (sum + difference) * half_of % p;
      const cpp_int x = (sum + p - difference) * half_of % p;
      Bytes32 point = bytes(y);
      if ((x & 1) != 0) point[31] |= 0x80;
      EXPECT_EQ(point, times_base(high ? cpp_int(i) << 128 : cpp_int(i))) << i;
      EXPECT_EQ(element(row + 2 * kLimbs), 2 * d * x % p * y % p) << i;
    }
  }
}

}  // namespace
}  // namespace txindex::verify::ed25519
