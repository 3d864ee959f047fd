#include "verify/ed25519/half.h"

#include <algorithm>
#include <utility>

namespace txindex::verify::ed25519 {
namespace {

__extension__ using SignedWide = __int128;

// Of the first number, what a round looks at. A step needs the second to have more than half of it.
constexpr int kBits = 63;
constexpr int kBitsLeft = 32;

// 64 bits of a from bit `at` up.
std::uint64_t bits_from(const Scalar& a, int at) {
  const int word = at / 64;
  const int shift = at % 64;
  const std::uint64_t low = a.word[word] >> shift;
  return shift == 0 || word == 3 ? low : low | a.word[word + 1] << (64 - shift);
}

// x a + y b, as a magnitude and its sign; below 2^256. |x| and |y| are at most 2^61.
Scalar combine(std::int64_t x, const Scalar& a, std::int64_t y, const Scalar& b, bool& negative) {
  Scalar sum;
  SignedWide carry = 0;
  for (int i = 0; i < 4; ++i) {
    carry += x * static_cast<SignedWide>(a.word[i]) + y * static_cast<SignedWide>(b.word[i]);
    sum.word[i] = static_cast<std::uint64_t>(carry);
    carry >>= 64;
  }
  negative = carry < 0;
  if (!negative) return sum;
  Scalar opposite = {{0, 0, 0, 0}};
  subtract(opposite, sum);
  return opposite;
}

}  // namespace

HalfSearch::HalfSearch(const Scalar& h) {
  first_.r = kCurveOrder;
  second_.r = h;
  second_.t.word[0] = 1;
}

// x a + y b, made so that r is not negative.
HalfSearch::Row HalfSearch::combine(std::int64_t x, const Row& a, std::int64_t y, const Row& b) {
  Row row;
  bool opposite = false;
  row.r = ed25519::combine(x, a.r, y, b.r, opposite);
  row.t = ed25519::combine(a.negative ? -x : x, a.t, b.negative ? -y : y, b.t, row.negative);
  row.negative ^= opposite;
  return row;
}

// a without as many b as the first bits of both have. Shorter than a, which is longer than b; not
// always as short as b.
HalfSearch::Row HalfSearch::without(const Row& a, const Row& b) {
  constexpr int kMost = 61;
  int by = bit_length(a.r) - bit_length(b.r);
  if (by < kMost) {
    const int shift = std::max(bit_length(a.r) - kMost, 0);
    const auto q = static_cast<std::int64_t>(bits_from(a.r, shift) / (bits_from(b.r, shift) + 1));
    return combine(1, a, -std::max<std::int64_t>(q, 1), b);
  }
  Row many = b;  // times the power of two that makes it as long as a
  for (; by > 0; by -= kMost)
    many = combine(std::int64_t{1} << std::min(by, kMost), many, 0, many);
  return combine(1, a, -1, many);
}

int HalfSearch::length(const Row& row) {
  const int r = bit_length(row.r);
  const int t = bit_length(row.t);
  return r > t ? r : t;
}

bool HalfSearch::fits(const Row& row) {
  return (row.t.word[0] & 1) != 0 && below_order(row.t);
}

void HalfSearch::put(EuclidSteps& steps, int lane) const {
  if (done()) {
    steps.x[lane] = steps.y[lane] = 0;
    steps.end[lane] = 1;
    return;
  }
  const int shift = bit_length(first_.r) - kBits;
  steps.x[lane] = bits_from(first_.r, shift);
  steps.y[lane] = bits_from(second_.r, shift);
  steps.end[lane] = std::uint64_t{1} << std::max(kEnough - shift, kBitsLeft);
}

void HalfSearch::take(const EuclidSteps& steps, int lane) {
  if (done()) return;
  const auto of = [lane](const std::uint64_t* from) {
    return static_cast<std::int64_t>(from[lane]);
  };
  if (of(steps.b) == 0) {
    // Not one: the second is shorter by half a word and more.
    first_ = without(first_, second_);
  } else {
    const Row first = combine(of(steps.a), first_, of(steps.b), second_);
    second_ = combine(of(steps.c), first_, of(steps.d), second_);
    first_ = first;
  }
  if (below(first_.r, second_.r)) std::swap(first_, second_);
}

HalfPair HalfSearch::result() const {
  Row best = second_;
  const auto look_at = [&](const Row& row) {
    if (fits(row) && (!fits(best) || length(row) < length(best))) best = row;
  };
  look_at(first_);
  if (!fits(second_)) {
    // Its t is even; then the first's is odd, and stays so when the second is taken off.
    Row rest = first_;
    while (bit_length(rest.r) > bit_length(second_.r) + 1) {
      rest = without(rest, second_);
      look_at(rest);
    }
  }
  return {best.r, best.t, best.negative, fits(best)};
}

}  // namespace txindex::verify::ed25519
