// u = v h modulo 8L for each lane, with u and v of half the length of h: what lets a verification
// do with half of the doublings (verify_lanes.h).
//
// Euclid's algorithm on 8L and h. Every row (r, t) of it satisfies r = t h modulo 8L, whatever
// multiples of one row are taken from the other, and r gets shorter as t gets longer; in the middle
// both have 128 bits. Since any multiple will do, the rows are reduced by what their first 63 bits
// say (Lehmer), in eight lanes at once, and by powers of two instead of quotients, which saves the
// division. A step that a longer look would not have taken costs length, never truth.
#pragma once

#include <cstdint>

#include "verify/ed25519/field.h"
#include "verify/ed25519/kernel.h"
#include "verify/ed25519/scalar.h"

namespace txindex::verify::ed25519 {

// u = v h modulo 8L, with v odd and 0 < |v| < L, as short as one finds at once: in all but one of a
// few hundred both have at most 130 bits.
struct HalfPair {
  Scalar u;
  Scalar v;
  bool v_negative;
  bool holds;  // what is said above; without it the rest means nothing
};

// Two numbers, the second at most as large as the first, and the matrix of the steps that have led
// to them: each is a combination of the two at the beginning, x of a and b, y of c and d.
struct EuclidSteps {
  alignas(64) std::uint64_t x[kSignatures];
  alignas(64) std::uint64_t y[kSignatures];
  alignas(64) std::uint64_t end[kSignatures];  // a lane stops when y is below; at least 2^32
  alignas(64) std::uint64_t a[kSignatures], b[kSignatures], c[kSignatures], d[kSignatures];
};

// One lane's reduction, between the steps that all lanes take together.
class HalfSearch {
 public:
  HalfSearch() = default;  // done
  explicit HalfSearch(const Scalar& h);

  bool done() const { return bit_length(second_.r) <= kEnough; }
  // The beginnings of the rows into a lane; a lane that is done takes no steps.
  void put(EuclidSteps& steps, int lane) const;
  void take(const EuclidSteps& steps, int lane);
  // When it is done.
  HalfPair result() const;

 private:
  static constexpr int kEnough = 128;  // bits

  // r = t h modulo 8L; t has a sign.
  struct Row {
    Scalar r{};
    Scalar t{};
    bool negative = false;
  };
  static Row combine(std::int64_t x, const Row& a, std::int64_t y, const Row& b);
  static Row without(const Row& a, const Row& b);
  static bool fits(const Row& row);
  static int length(const Row& row);

  Row first_;  // not below second_
  Row second_;
};

// Takes the steps. The matrix is to be written as that of no steps before.
template <class L>
void take_steps(EuclidSteps& steps) {
  auto x = L::load(steps.x);
  auto y = L::load(steps.y);
  const auto end = L::load(steps.end);
  const auto one = L::set1(1);
  auto a = one;
  auto b = L::set1(0);
  auto c = b;
  auto d = one;
  for (;;) {
    const auto on = static_cast<typename L::Mask>(~L::below(y, end));
    if (on == 0) break;
    // As many y as a power of two has, and not more than x.
    auto by = L::subtract_wrapping(L::leading_zeros(y), L::leading_zeros(x));
    by = L::select(L::below(x, L::shift_left_by(y, by)), by, L::subtract_wrapping(by, one));
    x = L::select(on, x, L::subtract_wrapping(x, L::shift_left_by(y, by)));
    a = L::select(on, a, L::subtract_wrapping(a, L::shift_left_by(c, by)));
    b = L::select(on, b, L::subtract_wrapping(b, L::shift_left_by(d, by)));
    const auto change = static_cast<typename L::Mask>(on & L::below(x, y));
    const auto exchange = [&](auto& p, auto& q) {
      const auto larger = L::select(change, p, q);
      q = L::select(change, q, p);
      p = larger;
    };
    exchange(x, y);
    exchange(a, c);
    exchange(b, d);
  }
  L::store(steps.a, a);
  L::store(steps.b, b);
  L::store(steps.c, c);
  L::store(steps.d, d);
}

template <class L>
void half_all(HalfPair (&pairs)[kSignatures], const Scalar (&h)[kSignatures]) {
  HalfSearch searches[kSignatures];
  for (int i = 0; i < kSignatures; ++i)
    searches[i] = HalfSearch(h[i]);
  for (;;) {
    bool all_done = true;
    for (const auto& search : searches)
      all_done = all_done && search.done();
    if (all_done) break;
    EuclidSteps steps;
    for (int i = 0; i < kSignatures; ++i)
      searches[i].put(steps, i);
    take_steps<L>(steps);
    for (int i = 0; i < kSignatures; ++i)
      searches[i].take(steps, i);
  }
  for (int i = 0; i < kSignatures; ++i)
    pairs[i] = searches[i].result();
}

}  // namespace txindex::verify::ed25519
