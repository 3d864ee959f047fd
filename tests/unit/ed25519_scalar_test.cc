// Numbers modulo L and 8L against Boost.Multiprecision.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <vector>

#include "support/random.h"
#include "unit/ed25519_half.h"
#include "verify/ed25519/scalar.h"

namespace txindex::verify::ed25519 {
namespace {

using boost::multiprecision::cpp_int;

const cpp_int kL = (cpp_int(1) << 252) + cpp_int("27742317777372353535851937790883648493");

cpp_int bits(int n) {
  return cpp_int(1) << n;
}

cpp_int number(const Scalar& a) {
  cpp_int value = 0;
  for (int i = 3; i >= 0; --i)
    value = (value << 64) + a.word[i];
  return value;
}

std::vector<std::uint64_t> words(cpp_int value, std::size_t count) {
  std::vector<std::uint64_t> result(count);
  for (auto& word : result) {
    word = static_cast<std::uint64_t>(value & ~std::uint64_t{0});
    value >>= 64;
  }
  return result;
}

Scalar scalar(const cpp_int& value) {
  const auto four = words(value, 4);
  return {{four[0], four[1], four[2], four[3]}};
}

cpp_int random_bits(test::Random& random, int n) {
  cpp_int value = 0;
  for (int at = 0; at < n; at += 64)
    value = (value << 64) + random.engine()();
  return value & (bits(n) - 1);
}

int length(const cpp_int& value) {
  return value == 0 ? 0 : static_cast<int>(msb(value)) + 1;
}

// Where something changes: around powers of two and multiples of L.
std::vector<cpp_int> edges(const cpp_int& end) {
  std::vector<cpp_int> result;
  const auto put = [&](const cpp_int& value) {
    for (int off = -2; off <= 2; ++off) {
      if (value + off >= 0 && value + off < end) result.push_back(value + off);
    }
  };
  for (int n = 0; n <= 512; ++n)
    put(bits(n));
  for (int n = 0; n <= 260; n += 4)
    put(kL << n);
  for (const int n : {3, 5, 7, 13, 1000003})
    put(kL * n);
  put(kL / 2);
  put(kL / 3);
  put(end / kL * kL);
  put(end - 1);
  return result;
}

TEST(Ed25519Scalar, BelowAndBitLength) {
  EXPECT_EQ(bit_length(scalar(0)), 0);
  for (int n = 0; n < 256; ++n) {
    EXPECT_EQ(bit_length(scalar(bits(n))), n + 1);
    EXPECT_EQ(bit_length(scalar(bits(n) - 1)), n);
    EXPECT_TRUE(below(scalar(bits(n) - 1), scalar(bits(n))));
    EXPECT_FALSE(below(scalar(bits(n)), scalar(bits(n) - 1)));
    EXPECT_FALSE(below(scalar(bits(n)), scalar(bits(n))));
  }
  for (const auto& value : edges(bits(256)))
    EXPECT_EQ(below_order(scalar(value)), value < kL) << value;
}

TEST(Ed25519Scalar, LoadsLittleEndian) {
  std::uint8_t bytes[32];
  for (int i = 0; i < 32; ++i)
    bytes[i] = static_cast<std::uint8_t>(i + 1);
  cpp_int want = 0;
  for (int i = 31; i >= 0; --i)
    want = (want << 8) + bytes[i];
  EXPECT_EQ(number(load_scalar(bytes)), want);
}

TEST(Ed25519Scalar, ReducesModuloTheOrder) {
  test::Random random;
  auto values = edges(bits(512));
  for (int round = 0; round < 5000; ++round) {
    values.push_back(random_bits(random, 1 + static_cast<int>(random.below(512))));
    values.push_back(random_bits(random, 250) * kL + random.below(3));
  }
  for (const auto& value : values) {
    const auto eight = words(value, 8);
    ASSERT_EQ(number(reduce(eight.data(), 8)), value % kL) << value;
    const int count = (length(value) + 63) / 64;
    ASSERT_EQ(number(reduce(eight.data(), count)), value % kL) << value;
  }
}

// Returns the longer of the two, or 0 of a pair that does not hold.
int expect_pair(const cpp_int& h) {
  const HalfPair pair = half(scalar(h));
  if (!pair.holds) return 0;
  const cpp_int u = number(pair.u);
  const cpp_int v = number(pair.v);
  EXPECT_TRUE((v & 1) != 0 && v < kL) << h;
  EXPECT_EQ(((pair.v_negative ? cpp_int(-v) : v) * h - u) % (8 * kL), 0) << h;
  return std::max(length(u), length(v));
}

TEST(Ed25519Scalar, HalvesAreShortForAllButFew) {
  test::Random random;
  constexpr int kCount = 10'000;
  int within = 0;
  for (int round = 0; round < kCount; ++round) {
    const int longest = expect_pair(random_bits(random, 512) % kL);
    ASSERT_NE(longest, 0) << "does not hold";
    within += longest <= 132 ? 1 : 0;
  }
  EXPECT_GE(within, kCount * 99 / 100);
}

TEST(Ed25519Scalar, HalvesOfExtremes) {
  for (const auto& h : edges(kL)) {
    EXPECT_NE(expect_pair(h), 0) << h;
    if (length(h) <= 128) {
      EXPECT_EQ(number(half(scalar(h)).u), h);
    }
  }
  EXPECT_EQ(expect_pair(0), 1);
}

// h that make Euclid's algorithm jump: close to fractions of 8L with a denominator of any length,
// so that a quotient has up to 250 bits, with even denominators, whose rows will not do, among
// them.
TEST(Ed25519Scalar, HalvesOfNumbersCloseToFractionsOfTheOrder) {
  test::Random random;
  int held = 0;
  int longer = 0;
  int count = 0;
  for (int denominator_bits = 2; denominator_bits < 252; ++denominator_bits) {
    for (int round = 0; round < 60; ++round) {
      cpp_int t = random_bits(random, denominator_bits) | bits(denominator_bits - 1);
      if (round % 3 == 0) t = t >> 1 << 1;
      if (round % 7 == 0) t = bits(denominator_bits - 1);
      const cpp_int k = random_bits(random, 256) % (t / 8 + 1);
      cpp_int h = 8 * kL * k / t;
      const cpp_int off = random_bits(random, 1 + static_cast<int>(random.below(126)));
      h += round % 2 == 0 ? cpp_int(random.below(5)) : off;
      if (h >= kL) continue;
      ++count;
      const int longest = expect_pair(h);
      held += longest != 0 ? 1 : 0;
      longer += longest > 156 ? 1 : 0;
      ASSERT_FALSE(HasFailure()) << "h = " << h;
    }
  }
  EXPECT_GT(count, 10'000);
  EXPECT_GT(held, count / 2);
  EXPECT_GT(longer, 0) << "none of them was bad";
}

TEST(Ed25519Scalar, Multiplies) {
  test::Random random;
  const auto some = edges(kL);
  for (int round = 0; round < 4000; ++round) {
    const auto choose = [&] {
      return random.coin()
                 ? some[random.below(some.size())]
                 : cpp_int(random_bits(random, 1 + static_cast<int>(random.below(256))) % kL);
    };
    const cpp_int v = choose();
    const cpp_int s = choose();
    const cpp_int product = v * s % kL;
    ASSERT_EQ(number(multiply(scalar(v), false, scalar(s))), product) << v << " " << s;
    ASSERT_EQ(number(multiply(scalar(v), true, scalar(s))), (kL - product) % kL) << v << " " << s;
  }
}

}  // namespace
}  // namespace txindex::verify::ed25519
