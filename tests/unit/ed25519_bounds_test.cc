// The limbs of the Ed25519 kernel never outgrow what its instructions take: the kernel's own code
// is run on intervals in place of numbers. An interval holds all that a limb can be, in every lane,
// so what is seen here of one run holds for all inputs; and since the structures that come out are
// within the bounds of those that went in, for any number of steps.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "verify/ed25519/verify_lanes.h"

namespace txindex::verify::ed25519 {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kBit52 = std::uint64_t{1} << 52;
constexpr std::uint64_t kTight = (std::uint64_t{1} << 51) + (std::uint64_t{1} << 18);

// What went wrong, and the highest sum there was, since clear().
struct Trace {
  std::vector<std::string> broken;
  std::uint64_t highest = 0;
  void clear() { *this = {}; }
} trace;

void demand(bool holds, const char* what) {
  if (!holds) trace.broken.emplace_back(what);
}

// Every lane, and whatever it can hold, at once. Conditions hold and do not hold: of what is
// selected both are possible.
struct IntervalLanes {
  static constexpr int kLanes = 8;
  struct Word {
    std::uint64_t lowest, highest;
    bool operator==(const Word&) const = default;
  };
  using Mask = std::uint8_t;

  static Word set1(std::uint64_t value) { return {value, value}; }
  static Word load(const std::uint64_t* from) {
    const auto [lowest, highest] = std::minmax_element(from, from + kLanes);
    return {*lowest, *highest};
  }
  template <int kWords>
  static void load_rows(Word* to, const std::uint64_t* const* rows) {
    for (int w = 0; w < kWords; ++w) {
      to[w] = set1(rows[0][w]);
      for (int i = 1; i < kLanes; ++i)
        to[w] = join(to[w], set1(rows[i][w]));
    }
  }

  static Word add(Word a, Word b) { return plus_of(a, b); }
  static Word subtract(Word a, Word b) {
    demand(a.lowest >= b.highest, "a difference is negative");
    return {a.lowest - b.highest, a.highest - b.lowest};
  }
  static Word subtract_wrapping(Word, Word) { return {0, ~std::uint64_t{0}}; }
  static Word bit_and(Word a, Word b) {
    demand(b.lowest == b.highest && std::has_single_bit(b.lowest + 1), "not a mask of low bits");
    if ((a.lowest & ~b.lowest) == (a.highest & ~b.lowest)) {
      return {a.lowest & b.lowest, a.highest & b.lowest};
    }
    return {0, b.lowest};
  }
  static Word bit_or(Word a, Word b) {
    return {std::max(a.lowest, b.lowest), std::bit_ceil(std::max(a.highest, b.highest) + 1) - 1};
  }
  template <int kBits>
  static Word shift_left(Word a) {
    demand(a.highest << kBits >> kBits == a.highest, "a shift loses bits");
    return {a.lowest << kBits, a.highest << kBits};
  }
  template <int kBits>
  static Word shift_right(Word a) {
    return {a.lowest >> kBits, a.highest >> kBits};
  }
  static Word shift_right_by(Word a, Word b) {
    return {a.lowest >> b.highest, a.highest >> b.lowest};
  }

  static void add_product(Word& low, Word& high, Word a, Word b) {
    const auto [lowest, highest] = product(a, b);
    high = plus_of(high, {static_cast<std::uint64_t>(lowest >> 52),
                          static_cast<std::uint64_t>(highest >> 52)});
    if (lowest >> 52 != highest >> 52) {
      low = plus_of(low, {0, kBit52 - 1});
    } else {
      low = plus_of(low, {static_cast<std::uint64_t>(lowest) & (kBit52 - 1),
                          static_cast<std::uint64_t>(highest) & (kBit52 - 1)});
    }
  }
  static Word add_small(Word sum, Word a, Word b) {
    demand(a.highest >> 32 == 0 && b.highest >> 32 == 0 && product(a, b).second < kBit52,
           "a product is not small");
    return plus_of(sum, {a.lowest * b.lowest, a.highest * b.highest});
  }

  static Mask equal(Word, Word) { return 0; }
  static Mask below(Word, Word) { return 0; }
  static Word select(Mask, Word a, Word b) { return join(a, b); }

 private:
  static Word join(Word a, Word b) {
    return {std::min(a.lowest, b.lowest), std::max(a.highest, b.highest)};
  }
  static Word plus_of(Word a, Word b) {
    demand(a.highest + b.highest >= a.highest, "a sum reaches 2^64");
    trace.highest = std::max(trace.highest, a.highest + b.highest);
    return {a.lowest + b.lowest, a.highest + b.highest};
  }
  static std::pair<Wide, Wide> product(Word a, Word b) {
    demand(a.highest < kBit52 && b.highest < kBit52, "a factor has more than 52 bits");
    return {static_cast<Wide>(a.lowest) * b.lowest, static_cast<Wide>(a.highest) * b.highest};
  }
};

using Lanes = IntervalLanes;
using Limbs = Element<Lanes>;

// Every element whose limbs are below `end`.
Limbs below(std::uint64_t end) {
  Limbs a;
  std::fill(std::begin(a.limb), std::end(a.limb), Lanes::Word{0, end - 1});
  return a;
}

bool is_below(const Limbs& a, std::uint64_t end) {
  return std::all_of(std::begin(a.limb), std::end(a.limb),
                     [&](const Lanes::Word& limb) { return limb.highest < end; });
}
bool is_tight(const Limbs& a) {
  return is_below(a, kTight);
}
bool is_tight(const Point<Lanes>& p) {
  return is_tight(p.y_plus_x) && is_tight(p.y_minus_x) && is_tight(p.z) && is_tight(p.t);
}
bool is_tight(const Addend<Lanes>& q) {
  return is_tight(q.y_plus_x) && is_tight(q.y_minus_x) && is_tight(q.z2) && is_tight(q.t2d);
}

const Limbs kAnyTight = below(kTight);
const Limbs kAnyFactor = below(kBit52);
constexpr std::uint64_t kWide = 267 * kBit52;
const Limbs kAnyWide = below(kWide);
const Limbs kAnySum = below(0);  // up to the last number there is
const Point<Lanes> kAnyPoint = {kAnyTight, kAnyTight, kAnyTight, kAnyTight};
const Addend<Lanes> kAnyAddend = {kAnyTight, kAnyTight, kAnyTight, kAnyTight};

class Ed25519Bounds : public testing::Test {
 protected:
  void SetUp() override { trace.clear(); }
  // Every precondition held in what was run.
  void TearDown() override {
    for (const auto& what : trace.broken)
      ADD_FAILURE() << what;
  }
};

// Were this not so, nothing below could fail.
TEST_F(Ed25519Bounds, NoticesWhatTheInstructionsDoNotTake) {
  const auto broken = [](auto&& what) {
    trace.clear();
    what();
    const bool any = !trace.broken.empty();
    trace.clear();
    return any;
  };
  const auto one = broadcast<Lanes>(kOne);
  const auto over = below(kBit52 + 1);
  EXPECT_TRUE(broken([&] { (void)mul<Lanes>(over, one); }));
  EXPECT_TRUE(broken([&] { (void)mul<Lanes>(one, over); }));
  EXPECT_TRUE(broken([&] { (void)square<Lanes>(over); }));
  EXPECT_TRUE(
      broken([&] { (void)plus<Lanes>(below(std::uint64_t{1} << 63), below(~std::uint64_t{0})); }));
  EXPECT_TRUE(broken([] { (void)Lanes::shift_left<4>({0, std::uint64_t{1} << 60}); }));
  // Four are too many to take off, tight or wide; and to multiply, two are.
  const auto two = plus<Lanes>(kAnyTight, kAnyTight);
  EXPECT_TRUE(broken([&] { (void)minus<Lanes>(one, plus<Lanes>(two, two)); }));
  const auto two_wide = plus<Lanes>(kAnyWide, kAnyWide);
  EXPECT_TRUE(broken([&] { (void)minus_wide<Lanes>(one, plus<Lanes>(two_wide, two_wide)); }));
  EXPECT_TRUE(broken([&] { (void)mul<Lanes>(two, one); }));
  EXPECT_FALSE(broken([&] { (void)mul<Lanes>(kAnyFactor, kAnyFactor); }));
}

TEST_F(Ed25519Bounds, TightIsAFactorAndTwoOfThemAreNot) {
  EXPECT_TRUE(is_below(kAnyTight, kBit52));
  EXPECT_FALSE(is_below(plus<Lanes>(kAnyTight, kAnyTight), kBit52));
  EXPECT_TRUE(is_below(plus<Lanes>(kAnyTight, kAnyTight), kBit52 + (1 << 19)));
}

TEST_F(Ed25519Bounds, CarriedSumsAreTight) {
  EXPECT_TRUE(is_tight(carry<Lanes>(kAnySum)));
}

// The numbers of the comment at the top of field.h.
void expect_wide(const Limbs& product) {
  constexpr std::uint64_t kLow = kBit52 - 1;   // the highest low half
  constexpr std::uint64_t kHigh = kBit52 - 2;  // the highest high half: of (2^52 - 1)^2
  const std::uint64_t highest = kLow + 19 * (4 * kLow + 2 * 5 * kHigh);  // r[0]
  EXPECT_EQ(trace.highest, highest);
  EXPECT_LT(highest, (1 + 19 * (4 + 2 * 5)) * kBit52);
  EXPECT_EQ(product.limb[0].highest, highest);
  EXPECT_EQ(product.limb[4].highest, 5 * kLow + 2 * 4 * kHigh + 19 * 2 * kHigh);
  EXPECT_TRUE(is_below(product, kWide));
}

TEST_F(Ed25519Bounds, ProductsOfFactorsAreWideAndTightWhenCarried) {
  expect_wide(product<Lanes>(kAnyFactor, kAnyFactor));
  EXPECT_TRUE(is_tight(mul<Lanes>(kAnyFactor, kAnyFactor)));
}

// What stands twice is doubled here and not added twice: the same bounds.
TEST_F(Ed25519Bounds, SquaresOfFactorsAreWideAndTightWhenCarried) {
  expect_wide(squared<Lanes>(kAnyFactor));
  EXPECT_TRUE(is_tight(square<Lanes>(kAnyFactor)));
}

TEST_F(Ed25519Bounds, ThreeWideElementsCanBeTakenOff) {
  const auto three = plus<Lanes>(plus<Lanes>(kAnyWide, kAnyWide), kAnyWide);
  EXPECT_TRUE(is_tight(carry<Lanes>(minus_wide<Lanes>(three, three))));
}

TEST_F(Ed25519Bounds, ThreeTightElementsCanBeTakenOff) {
  const auto three = plus<Lanes>(plus<Lanes>(kAnyTight, kAnyTight), kAnyTight);
  const auto difference = minus<Lanes>(kAnyTight, three);
  EXPECT_TRUE(is_tight(carry<Lanes>(difference)));
}

TEST_F(Ed25519Bounds, CanonicalElementsHave51BitsALimb) {
  EXPECT_TRUE(is_below(canonical<Lanes>(kAnyTight), std::uint64_t{1} << kLimbBits));
  (void)is_zero<Lanes>(kAnySum);
}

TEST_F(Ed25519Bounds, PowersAreTight) {
  EXPECT_TRUE(is_tight(invert<Lanes>(kAnyTight)));
  const Limbs of[2] = {kAnyTight, kAnyTight};
  Limbs powers[2];
  power_p_58<Lanes>(powers, of);
  EXPECT_TRUE(is_tight(powers[0]));
  EXPECT_TRUE(is_tight(powers[1]));
}

TEST_F(Ed25519Bounds, DoubledPointsAreTight) {
  EXPECT_TRUE(is_tight(twice<Lanes, false>(kAnyPoint)));
  EXPECT_TRUE(is_tight(twice<Lanes, true>(kAnyPoint)));
}

TEST_F(Ed25519Bounds, SumsOfPointsAreTight) {
  EXPECT_TRUE(is_tight(add<Lanes, true>(kAnyPoint, kAnyAddend, 0)));
  EXPECT_TRUE(is_tight(add<Lanes, false>(kAnyPoint, kAnyAddend, 0)));
  const AffineAddend<Lanes> affine = {kAnyTight, kAnyTight, kAnyTight};
  EXPECT_TRUE(is_tight(add<Lanes, true>(kAnyPoint, affine, 0)));
  EXPECT_TRUE(is_tight(add<Lanes, false>(kAnyPoint, affine, 0)));
  EXPECT_TRUE(is_tight(addend<Lanes>(kAnyPoint)));
  EXPECT_TRUE(is_tight(neutral<Lanes>()));
  (void)is_neutral<Lanes>(kAnyPoint);
}

TEST_F(Ed25519Bounds, TabulatedMultiplesAreTight) {
  Addend<Lanes> multiples[kMultiples];
  tabulate<Lanes>(multiples, kAnyPoint);
  for (const auto& multiple : multiples)
    EXPECT_TRUE(is_tight(multiple));
  EXPECT_TRUE(is_tight(pick<Lanes>(multiples, Lanes::Word{0, kMultiples})));
}

TEST_F(Ed25519Bounds, DecompressedPointsAreTight) {
  const auto any = below(std::uint64_t{1} << kLimbBits);
  const Limbs y[2] = {any, any};
  const Lanes::Mask odd[2] = {0, 0};
  Point<Lanes> points[2];
  Lanes::Mask exists[2];
  decompress<Lanes>(points, exists, y, odd);
  EXPECT_TRUE(is_tight(points[0]));
  EXPECT_TRUE(is_tight(points[1]));
}

TEST_F(Ed25519Bounds, TheTablesOfTheBasePointHave51BitsALimb) {
  std::uint64_t all = 0;
  for (const auto* table : {&base_tables().low, &base_tables().high}) {
    for (const auto& row : table->row)
      for (const std::uint64_t word : row)
        all |= word;
  }
  EXPECT_EQ(all, kLimbMask);
}

// The whole of the multiplication, with all the digits there can be, and any tables.
TEST_F(Ed25519Bounds, MultiplesOfPointsAreTight) {
  BaseTables base;  // of which some lanes have row 0, and some row 1
  std::memset(&base, 0, sizeof(base));
  for (auto* table : {&base.low, &base.high})
    std::fill(std::begin(table->row[1]), std::end(table->row[1]), kLimbMask);
  Multipliers by{};
  by.digits = kDigitsMax;
  for (auto& word : by.vs) {
    std::fill(std::begin(word), std::end(word), 0x8080808080808080);
    word[0] += 0x0101010101010101;
    word[1] -= 0x0101010101010101;
  }
  EXPECT_TRUE(is_tight(multiply<Lanes>(by, kAnyPoint, kAnyPoint, base)));
}

}  // namespace
}  // namespace txindex::verify::ed25519
