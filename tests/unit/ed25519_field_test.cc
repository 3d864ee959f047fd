// Arithmetic modulo 2^255 - 19 against Boost.Multiprecision, at random and at the extremes of what
// a limb may be; every lane with numbers of its own.
#include <gtest/gtest.h>

#include <array>
#include <boost/multiprecision/cpp_int.hpp>
#include <vector>

#include "support/random.h"
#include "verify/ed25519/field.h"
#include "verify/ed25519/lanes_portable.h"

namespace txindex::verify::ed25519 {
namespace {

using boost::multiprecision::cpp_int;
using Lanes = PortableLanes;
using Numbers = std::array<cpp_int, Lanes::kLanes>;
using Limbs = Element<Lanes>;

constexpr std::uint64_t kBit51 = std::uint64_t{1} << 51;
constexpr std::uint64_t kTight = kBit51 + (1 << 18);
const cpp_int kP = (cpp_int(1) << 255) - 19;

// The number that the limbs of a lane are, not reduced.
cpp_int number(const Limbs& a, int lane) {
  cpp_int sum = 0;
  for (int i = kLimbs - 1; i >= 0; --i)
    sum = (sum << kLimbBits) + a.limb[i].lane[lane];
  return sum;
}

void put(Limbs& a, int lane, const std::array<std::uint64_t, kLimbs>& limbs) {
  for (int i = 0; i < kLimbs; ++i)
    a.limb[i].lane[lane] = limbs[static_cast<std::size_t>(i)];
}

// Limbs below 2^51, but the highest, which takes the rest.
std::array<std::uint64_t, kLimbs> split(cpp_int value) {
  std::array<std::uint64_t, kLimbs> limbs;
  for (int i = 0; i < kLimbs - 1; ++i, value >>= kLimbBits)
    limbs[static_cast<std::size_t>(i)] = static_cast<std::uint64_t>(value & kLimbMask);
  limbs[kLimbs - 1] = static_cast<std::uint64_t>(value);
  return limbs;
}

cpp_int modulo(const cpp_int& value) {
  const cpp_int rest = value % kP;
  return rest < 0 ? cpp_int(rest + kP) : rest;
}

// `expected` of the numbers of each lane, which is what `got` has to be congruent to.
template <class F>
void expect_lanes(const Limbs& got, std::uint64_t end, F expected) {
  for (int lane = 0; lane < Lanes::kLanes; ++lane) {
    ASSERT_EQ(modulo(number(got, lane)), modulo(expected(lane))) << "lane " << lane;
    for (const auto& limb : got.limb)
      ASSERT_LT(limb.lane[lane], end) << "lane " << lane;
  }
}

// Elements with limbs below `end`, many of them at the edges of something.
class Chooser {
 public:
  Limbs element(std::uint64_t end) {
    Limbs a;
    for (int lane = 0; lane < Lanes::kLanes; ++lane) {
      if (random_.below(4) == 0) {
        // Around a multiple of p: 0, p or 2p.
        cpp_int value = kP * random_.below(3);
        const cpp_int off = random_.below(40);
        value = random_.coin() || value < off ? cpp_int(value + off) : cpp_int(value - off);
        auto limbs = split(value);
        if (limbs[4] < end) {
          put(a, lane, spread(limbs, end));
          continue;
        }
      }
      std::array<std::uint64_t, kLimbs> limbs;
      for (auto& limb : limbs)
        limb = this->limb(end);
      put(a, lane, limbs);
    }
    return a;
  }

 private:
  std::uint64_t limb(std::uint64_t end) {
    const std::uint64_t edges[] = {0,           1,           18,          19,         20,
                                   kBit51 - 20, kBit51 - 19, kBit51 - 18, kBit51 - 1, kBit51,
                                   kBit51 + 1,  kTight - 1,  end - 1,     end - 2};
    const std::uint64_t edge = edges[random_.below(std::size(edges))];
    return random_.coin() && edge < end ? edge : random_.engine()() % end;
  }
  // The same number, where possible with more in a limb and less in the next.
  std::array<std::uint64_t, kLimbs> spread(std::array<std::uint64_t, kLimbs> limbs,
                                           std::uint64_t end) {
    for (std::size_t i = 0; i + 1 < kLimbs; ++i) {
      if (random_.coin() && limbs[i] + kBit51 < end && limbs[i + 1] > 0) {
        limbs[i] += kBit51;
        --limbs[i + 1];
      }
    }
    return limbs;
  }
  test::Random random_;
};

TEST(Ed25519Field, ConstantsAreWhatTheyAreCalled) {
  const auto value = [](const Constant& constant) { return number(broadcast<Lanes>(constant), 3); };
  EXPECT_EQ(value(kZero), 0);
  EXPECT_EQ(value(kOne), 1);
  EXPECT_LT(value(kD), kP);
  EXPECT_EQ(modulo(value(kD) * 121666), modulo(cpp_int(-121665)));
  EXPECT_EQ(value(kTwoD), modulo(2 * value(kD)));
  EXPECT_EQ(value(kRootOfMinusOne), powm(cpp_int(2), cpp_int((kP - 1) / 4), kP));
  EXPECT_EQ(modulo(value(kRootOfMinusOne) * value(kRootOfMinusOne)), kP - 1);
}

TEST(Ed25519Field, ProductsAndSquares) {
  Chooser choose;
  for (int round = 0; round < 3000; ++round) {
    const std::uint64_t end = round % 2 == 0 ? kTight : 2 * kBit51;
    const auto a = choose.element(end);
    const auto b = choose.element(end);
    ASSERT_NO_FATAL_FAILURE(expect_lanes(mul<Lanes>(a, b), kTight, [&](int lane) {
      return cpp_int(number(a, lane) * number(b, lane));
    }));
    ASSERT_NO_FATAL_FAILURE(expect_lanes(square<Lanes>(a), kTight, [&](int lane) {
      return cpp_int(number(a, lane) * number(a, lane));
    }));
  }
}

TEST(Ed25519Field, SumsAndDifferencesCarriedOrNot) {
  Chooser choose;
  for (int round = 0; round < 1500; ++round) {
    const auto a = choose.element(kTight);
    const auto b = choose.element(kTight);
    const auto c = choose.element(kTight);
    const auto sum = plus<Lanes>(a, b);
    const auto added = [&](int lane) { return cpp_int(number(a, lane) + number(b, lane)); };
    ASSERT_NO_FATAL_FAILURE(expect_lanes(sum, 2 * kTight, added));
    ASSERT_NO_FATAL_FAILURE(expect_lanes(carry<Lanes>(sum), kTight, added));
    const auto difference = minus<Lanes>(c, sum);
    const auto taken = [&](int lane) { return cpp_int(number(c, lane) - added(lane)); };
    ASSERT_NO_FATAL_FAILURE(expect_lanes(difference, kTight + 4 * kBit51, taken));
    ASSERT_NO_FATAL_FAILURE(expect_lanes(carry<Lanes>(difference), kTight, taken));
    const auto large = choose.element(std::uint64_t{1} << 57);
    ASSERT_NO_FATAL_FAILURE(
        expect_lanes(carry<Lanes>(large), kTight, [&](int lane) { return number(large, lane); }));
  }
}

void expect_canonical(const Limbs& a) {
  const auto canonical_a = canonical<Lanes>(a);
  const auto zero = is_zero<Lanes>(a);
  for (int lane = 0; lane < Lanes::kLanes; ++lane) {
    // Limbs below 2^51, and the number itself, not one that is congruent.
    for (const auto& limb : canonical_a.limb)
      ASSERT_LT(limb.lane[lane], kBit51);
    const cpp_int want = number(a, lane) % kP;
    ASSERT_EQ(number(canonical_a, lane), want) << "of " << number(a, lane);
    ASSERT_EQ((zero >> lane & 1) != 0, want == 0) << "of " << number(a, lane);
  }
}

TEST(Ed25519Field, CanonicalIsTheOneNumberBelowP) {
  Chooser choose;
  for (int round = 0; round < 2000; ++round)
    ASSERT_NO_FATAL_FAILURE(expect_canonical(choose.element(kTight)));
}

// Every way in which limbs can pass carries on: each limb that matters in each place.
TEST(Ed25519Field, CanonicalAtEveryEdgeOfEveryLimb) {
  const std::vector<std::uint64_t> first = {0,           18,          19,          20,
                                            kBit51 - 39, kBit51 - 38, kBit51 - 37, kBit51 - 20,
                                            kBit51 - 19, kBit51 - 18, kBit51 - 1,  kBit51,
                                            kBit51 + 18, kBit51 + 19, kTight - 1};
  const std::vector<std::uint64_t> others = {0, 1, kBit51 - 2, kBit51 - 1, kBit51, kTight - 1};
  Limbs a;
  int lane = 0;
  int count = 0;
  for (const std::uint64_t limb : first) {
    for (std::size_t rest = 0; rest < 6 * 6 * 6 * 6; ++rest) {
      put(a, lane,
          {limb, others[rest % 6], others[rest / 6 % 6], others[rest / 36 % 6],
           others[rest / 216]});
      ++count;
      if (++lane < Lanes::kLanes) continue;
      lane = 0;
      ASSERT_NO_FATAL_FAILURE(expect_canonical(a));
    }
  }
  ASSERT_EQ(count, 15 * 1296);
  ASSERT_EQ(lane, 0);
}

TEST(Ed25519Field, ZeroOfSumsAndDifferences) {
  Chooser choose;
  for (int round = 0; round < 500; ++round) {
    const auto a = choose.element(kTight);
    const auto same = canonical<Lanes>(a);
    ASSERT_EQ(is_zero<Lanes>(minus<Lanes>(a, same)), 0xff);
    const auto opposite = carry<Lanes>(minus<Lanes>(broadcast<Lanes>(kZero), a));
    ASSERT_EQ(is_zero<Lanes>(plus<Lanes>(a, opposite)), 0xff);
    const auto next = plus<Lanes>(same, broadcast<Lanes>(kOne));
    ASSERT_EQ(is_zero<Lanes>(minus<Lanes>(a, next)), 0);
  }
}

TEST(Ed25519Field, SelectTakesTheSecondWhereTheBitIsSet) {
  Chooser choose;
  const auto a = choose.element(kTight);
  const auto b = choose.element(kTight);
  for (unsigned mask = 0; mask < 256; ++mask) {
    const auto either = select<Lanes>(static_cast<Lanes::Mask>(mask), a, b);
    for (int lane = 0; lane < Lanes::kLanes; ++lane)
      ASSERT_EQ(number(either, lane), number(mask >> lane & 1 ? b : a, lane));
  }
}

TEST(Ed25519Field, InversesAndPowers) {
  Chooser choose;
  for (int round = 0; round < 12; ++round) {
    const Limbs of[2] = {choose.element(round % 2 == 0 ? kTight : 2 * kBit51),
                         choose.element(kTight)};
    const auto power = [&](const Limbs& a, int lane, const cpp_int& exponent) {
      return cpp_int(powm(modulo(number(a, lane)), exponent, kP));
    };
    const cpp_int inverse = kP - 2;
    const cpp_int root = (kP - 5) / 8;
    ASSERT_NO_FATAL_FAILURE(expect_lanes(invert<Lanes>(of[0]), kTight,
                                         [&](int lane) { return power(of[0], lane, inverse); }));
    Limbs two[2];
    power_p_58<Lanes>(two, of);
    for (int i = 0; i < 2; ++i) {
      ASSERT_NO_FATAL_FAILURE(
          expect_lanes(two[i], kTight, [&](int lane) { return power(of[i], lane, root); }));
    }
  }
  const auto nothing = invert<Lanes>(broadcast<Lanes>(kZero));
  EXPECT_EQ(is_zero<Lanes>(nothing), 0xff);
}

}  // namespace
}  // namespace txindex::verify::ed25519
