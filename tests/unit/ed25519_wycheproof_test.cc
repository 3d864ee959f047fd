// The families of Wycheproof's tests of Ed25519, made anew from their description: what may be done
// to a signature that stays the same to a careless reader, and numbers at which arithmetic goes
// wrong. Signatures that are too short or too long never come to a kernel (signature_test.cc).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <tuple>
#include <vector>

#include "support/ed25519_signing.h"
#include "support/random.h"
#include "unit/ed25519_kernel_fixture.h"

namespace txindex::verify::ed25519 {
namespace {

using test::add;
using test::from_hex;
using test::Random;
using test::random_scalar;
using test::times_base;

class Ed25519Wycheproof : public KernelTest {};
INSTANTIATE_TEST_SUITE_P(Kernels, Ed25519Wycheproof, testing::ValuesIn(kernels()),
                         [](const auto& tested) { return tested.param.name; });

Value r_of(const Case& one) {
  return {one.signature.begin(), one.signature.begin() + 32};
}
Value s_of(const Case& one) {
  return {one.signature.begin() + 32, one.signature.end()};
}
Case with(Case one, const Value& r, const Value& s) {
  one.signature = r;
  one.signature.insert(one.signature.end(), s.begin(), s.end());
  return one;
}

Value power_of_two(std::size_t bit) {
  Value number(32);
  number[bit / 8] = static_cast<std::uint8_t>(1U << bit % 8);
  return number;
}
// 2^256 - a.
Value opposite(Value a) {
  for (auto& byte : a)
    byte = static_cast<std::uint8_t>(~byte);
  return add(a, power_of_two(0));
}

TEST_P(Ed25519Wycheproof, OtherScalars) {
  Random random;
  const Value order = from_hex(test::kGroupOrder);
  std::vector<Case> cases;
  for (std::size_t bit = 0; bit < 256; ++bit) {
    const Case one = signed_case(random, 40);
    const Value power = power_of_two(bit);
    cases.push_back(with(one, r_of(one), add(s_of(one), power)));
    cases.push_back(with(one, r_of(one), bit % 2 == 0 ? power : add(power, Value(32, 0xff))));
    if (bit % 4 != 0) continue;
    cases.push_back(with(one, r_of(one), add(s_of(one), opposite(power))));
    cases.push_back(with(one, r_of(one), add(order, power)));
    cases.push_back(with(one, r_of(one), add(order, opposite(power))));
    cases.push_back(with(one, r_of(one), add(order, opposite(s_of(one)))));
    cases.push_back(with(one, r_of(one), opposite(s_of(one))));
    cases.push_back(with(one, r_of(one), add(s_of(one), opposite(order))));
  }
  EXPECT_EQ(judge_mixed(random, cases).invalid, 2U * 256 + 6 * 64);
}

TEST_P(Ed25519Wycheproof, ModifiedSignaturesKeysAndMessages) {
  using Change = std::function<void(Case&)>;
  const auto reverse = [](auto begin, auto end) { std::reverse(begin, end); };
  const std::vector<Change> changes = {
      [](Case& c) { c = with(c, Value(32), Value(32)); },
      [](Case& c) { c = with(c, Value(32, 0xff), Value(32, 0xff)); },
      [](Case& c) { c = with(c, r_of(c), Value(32, 0xff)); },
      [](Case& c) { c = with(c, Value(32, 0xff), s_of(c)); },
      [](Case& c) { c = with(c, r_of(c), r_of(c)); },
      [](Case& c) { c = with(c, s_of(c), s_of(c)); },
      [](Case& c) { c = with(c, s_of(c), r_of(c)); },
      [](Case& c) { c = with(c, c.key, s_of(c)); },
      [](Case& c) { c.key = r_of(c); },
      [](Case& c) {
        c = with({r_of(c), {}, c.message}, c.key, s_of(c));
      },
      [&](Case& c) { reverse(c.signature.begin(), c.signature.begin() + 32); },
      [&](Case& c) { reverse(c.signature.begin() + 32, c.signature.end()); },
      [&](Case& c) { reverse(c.signature.begin(), c.signature.end()); },
      [&](Case& c) { reverse(c.key.begin(), c.key.end()); },
      [&](Case& c) { reverse(c.message.begin(), c.message.end()); },
      // -R with -S.
      [](Case& c) {
        c = with(c, r_of(c), add(from_hex(test::kGroupOrder), opposite(s_of(c))));
        c.signature[31] ^= 0x80;
      },
      // R + B with S + 1; -A with R; -A with -R.
      [](Case& c) {
        c = with(c, test::sum(r_of(c), times_base(power_of_two(0))), add(s_of(c), power_of_two(0)));
      },
      [](Case& c) { c.key[31] ^= 0x80; },
      [](Case& c) { c.signature[31] ^= 0x80, c.key[31] ^= 0x80; },
      [](Case& c) { c.message.clear(); },
      [](Case& c) { c.message.pop_back(); },
      [](Case& c) { c.message.push_back(0); },
      [](Case& c) { c.message.insert(c.message.begin(), 0); },
      // Padding, and the length, as SHA-512 adds them.
      [](Case& c) { c.message.push_back(0x80), c.message.resize(64); },
      // As if R, or A, were a part of the message, too.
      [](Case& c) { c.message.insert(c.message.begin(), c.key.begin(), c.key.end()); },
  };
  Random random;
  std::vector<Case> cases;
  // What a change leaves as it was is another signature's turn.
  const auto add_changed = [&](const Change& change) {
    for (int attempt = 0; attempt < 100; ++attempt) {
      const Case one = signed_case(random, 50);
      Case changed = one;
      change(changed);
      if (changed.key == one.key && changed.signature == one.signature &&
          changed.message == one.message)
        continue;
      cases.push_back(changed);
      return;
    }
    ADD_FAILURE() << "a change that changes nothing, before number " << cases.size();
  };
  for (int round = 0; round < 4; ++round) {
    for (const Change& change : changes)
      add_changed(change);
  }
  for (std::size_t at = 0; at < 64; ++at) {
    add_changed([&](Case& c) { ++c.signature[at]; });
    add_changed([&](Case& c) { --c.signature[at]; });
    // A byte is missing, and a zero makes up for it before or behind.
    add_changed([&](Case& c) {
      c.signature.erase(c.signature.begin() + static_cast<std::ptrdiff_t>(at));
      c.signature.insert(at % 2 == 0 ? c.signature.begin() : c.signature.end(), 0);
    });
    add_changed([&](Case& c) { std::fill_n(c.signature.begin(), at + 1, 0); });
    add_changed([&](Case& c) { std::fill_n(c.signature.rbegin(), at + 1, 0); });
  }
  EXPECT_EQ(judge_mixed(random, cases).invalid, cases.size());
  EXPECT_EQ(cases.size(), 4 * changes.size() + std::size_t{5} * 64);
}

// Runs of ones or zeros in the scalars of 253 bits; where they begin, and how long they are.
struct Stretch {
  std::size_t begin;
  std::size_t bits;
};
std::vector<Stretch> runs(const Value& number, unsigned of) {
  std::vector<Stretch> found;
  std::size_t begin = 0;
  for (std::size_t bit = 0; bit <= 253; ++bit) {
    const bool same = bit < 253 && (number[bit / 8] >> bit % 8 & 1U) == of;
    if (same) continue;
    if (bit > begin) found.push_back({begin, bit - begin});
    begin = bit + 1;
  }
  return found;
}

// Nobody can choose S or the hash, but the best of many can be taken: for each of sixteen places
// the longest run of ones and of zeros there. Those at the top are hashes near zero and near the
// order.
TEST_P(Ed25519Wycheproof, HashesAndScalarsWithRunsOfOnesAndZeros) {
  Random random;
  struct Best {
    std::size_t bits = 0;
    Case one;
  };
  std::map<std::tuple<bool, unsigned, std::size_t>, Best> best;
  const Value a = random_scalar(random);
  const Value r = random_scalar(random);
  const Value key = times_base(a);
  const Value commitment = times_base(r);
  Value message = random.bytes(8);
  for (int i = 0; i < 12'000; ++i) {
    message[0] = static_cast<std::uint8_t>(i);
    message[1] = static_cast<std::uint8_t>(i >> 8);
    const Value h = test::signature_hash(commitment, key, message);
    const Case one{key, test::signature_of(a, r, commitment, h), message};
    for (const bool is_hash : {true, false}) {
      for (const unsigned of : {0U, 1U}) {
        for (const Stretch& run : runs(is_hash ? h : s_of(one), of)) {
          Best& there = best[std::tuple(is_hash, of, run.begin / 16)];
          if (run.bits > there.bits) there = {run.bits, one};
        }
      }
    }
  }
  std::vector<Case> cases;
  for (const auto& [place, longest] : best) {
    if (std::get<2>(place) == 15) continue;  // no more than a few bits
    EXPECT_GE(longest.bits, 9U);
    cases.push_back(longest.one);
    cases.push_back(longest.one);
    ++cases.back().signature[32];
  }
  const Counts counts = judge_mixed(random, cases);
  EXPECT_EQ(counts.valid, 2U * 2 * 15);
  EXPECT_EQ(counts.invalid, 2U * 2 * 15);
}

// The points of which a limb of 51 bits, or a word, of y is the smallest or the largest among many,
// as A with each of them as R.
TEST_P(Ed25519Wycheproof, PointsWithExtremeLimbs) {
  Random random;
  struct Known {
    Value scalar;
    Value point;
  };
  const auto bits = [](const Value& point, std::size_t first, std::size_t count) {
    std::uint64_t number = 0;
    for (std::size_t bit = first; bit < std::min<std::size_t>(first + count, 255); ++bit)
      number |= (std::uint64_t{point[bit / 8]} >> bit % 8 & 1) << (bit - first);
    return number;
  };
  std::vector<Known> points;
  const Value one = power_of_two(0);
  const Value base = times_base(one);
  Value scalar = random_scalar(random);
  Value point = times_base(scalar);
  for (int i = 0; i < 300; ++i) {
    points.push_back({scalar, point});
    crypto_core_ed25519_scalar_add(scalar.data(), scalar.data(), one.data());
    point = test::sum(point, base);
  }
  ASSERT_EQ(point, times_base(scalar));
  std::vector<Known> extreme;
  for (const std::size_t width : {51U, 64U}) {
    for (std::size_t first = 0; first < 255; first += width) {
      const auto [least, greatest] = std::ranges::minmax_element(
          points, {}, [&](const Known& k) { return bits(k.point, first, width); });
      EXPECT_LT(bits(least->point, first, width) >> (std::min(width, 255 - first) - 5), 1U);
      EXPECT_EQ(bits(greatest->point, first, width) >> (std::min(width, 255 - first) - 5), 31U);
      extreme.push_back(*least);
      extreme.push_back(*greatest);
    }
  }
  std::vector<Case> cases;
  for (const auto& a : extreme) {
    for (const auto& r : extreme)
      cases.push_back(test::sign(a.scalar, a.point, r.scalar, r.point, random.bytes(3)));
  }
  EXPECT_EQ(judge_mixed(random, cases).valid, 18U * 18);
}

// Secrets of one or few bits and their opposites, with each other: tables and sums that come to the
// same point by two ways, to its opposite, and to the neutral one.
TEST_P(Ed25519Wycheproof, SecretsThatAreSmallOrPowersOfTwo) {
  Random random;
  std::vector<Value> scalars;
  for (const int small : {1, 2, 3, 5, 7, 8, 9, 15})
    scalars.emplace_back(32)[0] = static_cast<std::uint8_t>(small);
  for (const std::size_t bit : {8U, 63U, 127U, 128U, 251U})
    scalars.push_back(power_of_two(bit));
  for (std::size_t i = 0; i < 13; ++i) {
    Value negated(32);
    crypto_core_ed25519_scalar_negate(negated.data(), scalars[i].data());
    scalars.push_back(negated);
  }
  std::vector<Case> cases;
  for (const auto& a : scalars) {
    const Value key = times_base(a);
    for (const auto& r : scalars)
      cases.push_back(test::sign(a, key, r, times_base(r), random.bytes(3)));
  }
  const std::size_t valid = cases.size();
  for (std::size_t i = 0; i < valid; i += 4) {
    cases.push_back(cases[i]);
    ++cases.back().signature[32];
  }
  const Counts counts = judge_mixed(random, cases);
  EXPECT_EQ(counts.valid, 26U * 26);
  EXPECT_EQ(counts.invalid, 26U * 26 / 4);
}

}  // namespace
}  // namespace txindex::verify::ed25519
