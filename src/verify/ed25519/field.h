// Arithmetic modulo p = 2^255 - 19 in eight lanes, for any kind of lanes (lanes_portable.h says
// what these are). Nothing here is secret, so nothing here has to take constant time.
//
// An element is five limbs of 51 bits: limb[0] + 2^51 limb[1] + ... + 2^204 limb[4], any of the
// numbers that are congruent. A multiplication instruction takes 52 bits of each factor and
// silently drops what is above, so every function says how large limbs may be:
//
//   tight   limb < 2^51 + 2^18      what carry() gives, and so mul() and square()
//   factor  limb < 2^52             what is multiplied; every tight element is one
//   wide    limb < 267 * 2^52       what product() and squared() give: a product before its carry
//   sum     limb < 2^64             what carry() takes: sums and differences, also of wide elements
//
// What is added up before it is multiplied again is so carried once, not before and after. The sum
// of two tight elements can be over 2^52, if only just, and is carried before it is a factor.
// PortableLanes assert all of this as they go; tests/unit/ed25519_bounds_test.cc proves it for all
// inputs, by running the same code on intervals.
//
// The product. Factors below 2^52 have products below 2^104, whose low 52 bits are added to one
// word and whose high 52 bits to another. With the sums of low halves lo[k] at weight 2^(51k),
// those of high halves are at 2^(51k + 52), that is twice 2^(51(k+1)), and 2^255 = 19:
//
//   t[k] = lo[k] + 2 hi[k-1]      k = 0 ... 9
//   r[k] = t[k] + 19 t[k+5]       k = 0 ... 4
//
// lo[k] and lo[k+5] together are 5 products, hi[k-1] and hi[k+4] too; k + 1 and k of them are not
// times 19. So r[0] < (1 + 19 (4 + 2*5)) 2^52 = 267 * 2^52 is the largest.
//
// The carry. What is over 51 bits of a limb below 2^64 is below 2^13, and 19 times that below 2^18.
#pragma once

#include <cstdint>

// The lanes are registers only as long as nothing is called. Other kinds of lanes gain nothing by
// it, and take the compiler minutes.
#ifdef __AVX512F__
#define TXINDEX_INLINE [[gnu::always_inline]] inline
#else
#define TXINDEX_INLINE inline
#endif

namespace txindex::verify::ed25519 {

constexpr int kLimbs = 5;
constexpr int kLimbBits = 51;
constexpr std::uint64_t kLimbMask = (std::uint64_t{1} << kLimbBits) - 1;

template <class L>
struct Element {
  typename L::Word limb[kLimbs];
};

// The same element in every lane. 51 bits a limb.
struct Constant {
  std::uint64_t limb[kLimbs];
};

constexpr Constant kZero = {{0, 0, 0, 0, 0}};
constexpr Constant kOne = {{1, 0, 0, 0, 0}};
// The curve is -x^2 + y^2 = 1 + d x^2 y^2, d = -121665/121666.
constexpr Constant kD = {
    {0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff}};
constexpr Constant kTwoD = {
    {0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff}};
// 2^((p-1)/4), a square root of -1.
constexpr Constant kRootOfMinusOne = {
    {0x61b274a0ea0b0, 0x0d5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d}};

template <class L>
Element<L> broadcast(const Constant& value) {
  Element<L> result;
  for (int i = 0; i < kLimbs; ++i)
    result.limb[i] = L::set1(value.limb[i]);
  return result;
}

// Of a sum. Tight.
template <class L>
TXINDEX_INLINE Element<L> carry(const Element<L>& a) {
  const auto mask = L::set1(kLimbMask);
  Element<L> result;
  result.limb[0] = L::add_small(L::bit_and(a.limb[0], mask), L::set1(19),
                                L::template shift_right<kLimbBits>(a.limb[4]));
  for (int i = 1; i < kLimbs; ++i) {
    result.limb[i] =
        L::add(L::bit_and(a.limb[i], mask), L::template shift_right<kLimbBits>(a.limb[i - 1]));
  }
  return result;
}

// Limb by limb, not carried.
template <class L>
TXINDEX_INLINE Element<L> plus(const Element<L>& a, const Element<L>& b) {
  Element<L> result;
  for (int i = 0; i < kLimbs; ++i)
    result.limb[i] = L::add(a.limb[i], b.limb[i]);
  return result;
}

// a - b + 2^kShift p, limb by limb, not carried. No limb of b is above one of 2^kShift p, which are
// 2^kShift (2^51 - 19) and 2^kShift (2^51 - 1).
template <class L, int kShift>
TXINDEX_INLINE Element<L> minus_below(const Element<L>& a, const Element<L>& b) {
  Element<L> result;
  for (int i = 0; i < kLimbs; ++i) {
    const std::uint64_t limb = kLimbMask - (i == 0 ? 18 : 0);
    result.limb[i] = L::subtract(L::add(a.limb[i], L::set1(limb << kShift)), b.limb[i]);
  }
  return result;
}

// The same, where b is the sum of at most three tight elements.
template <class L>
TXINDEX_INLINE Element<L> minus(const Element<L>& a, const Element<L>& b) {
  return minus_below<L, 2>(a, b);
}

// The same, where b is the sum of at most three wide elements.
template <class L>
TXINDEX_INLINE Element<L> minus_wide(const Element<L>& a, const Element<L>& b) {
  return minus_below<L, 11>(a, b);
}

// From t of a product, all ten. Wide.
template <class L>
TXINDEX_INLINE Element<L> fold(const typename L::Word (&t)[2 * kLimbs]) {
  Element<L> r;
  for (int k = 0; k < kLimbs; ++k) {
    const auto high = t[k + kLimbs];
    const auto three = L::add(L::add(high, high), high);
    r.limb[k] = L::add(t[k], L::add(L::template shift_left<4>(high), three));
  }
  return r;
}

// Of factors. Wide.
template <class L>
TXINDEX_INLINE Element<L> product(const Element<L>& a, const Element<L>& b) {
  typename L::Word t[2 * kLimbs];
  auto high = L::set1(0);
#pragma GCC unroll 16
  for (int k = 0; k < 2 * kLimbs - 1; ++k) {
    t[k] = L::add(high, high);
    high = L::set1(0);
#pragma GCC unroll 16
    for (int i = 0; i < kLimbs; ++i) {
      if (i <= k && k < i + kLimbs) L::add_product(t[k], high, a.limb[i], b.limb[k - i]);
    }
  }
  t[2 * kLimbs - 1] = L::add(high, high);
  return fold<L>(t);
}

// Of a factor. Wide. What stands twice in the product is summed once, and doubled.
template <class L>
TXINDEX_INLINE Element<L> squared(const Element<L>& a) {
  typename L::Word t[2 * kLimbs];
  auto high = L::set1(0);
#pragma GCC unroll 16
  for (int k = 0; k < 2 * kLimbs - 1; ++k) {
    auto once = high;
    high = L::set1(0);
#pragma GCC unroll 16
    for (int i = 0; i < kLimbs; ++i) {
      if (i < k - i && k < i + kLimbs) L::add_product(once, high, a.limb[i], a.limb[k - i]);
    }
    t[k] = L::add(once, once);
    high = L::add(high, high);
    if (k % 2 == 0) L::add_product(t[k], high, a.limb[k / 2], a.limb[k / 2]);
  }
  t[2 * kLimbs - 1] = L::add(high, high);
  return fold<L>(t);
}

// Of factors. Tight.
template <class L>
TXINDEX_INLINE Element<L> mul(const Element<L>& a, const Element<L>& b) {
  return carry<L>(product<L>(a, b));
}
template <class L>
TXINDEX_INLINE Element<L> square(const Element<L>& a) {
  return carry<L>(squared<L>(a));
}

// Of a tight element: the one number below p that is congruent, in limbs below 2^51.
template <class L>
Element<L> canonical(Element<L> a) {
  const auto mask = L::set1(kLimbMask);
  // Carried through, and the bits above 2^255 put back: below 2^255, since when there were any,
  // next to nothing was left below. The first limb can be over 2^51 again, which the last carries
  // mend.
  for (int i = 0; i < kLimbs - 1; ++i) {
    a.limb[i + 1] = L::add(a.limb[i + 1], L::template shift_right<kLimbBits>(a.limb[i]));
    a.limb[i] = L::bit_and(a.limb[i], mask);
  }
  a.limb[0] = L::add_small(a.limb[0], L::set1(19), L::template shift_right<kLimbBits>(a.limb[4]));
  a.limb[4] = L::bit_and(a.limb[4], mask);
  // a + 19 reaches 2^255 exactly when a is p or above, and is then a - p below that.
  auto over = L::template shift_right<kLimbBits>(L::add(a.limb[0], L::set1(19)));
  for (int i = 1; i < kLimbs; ++i)
    over = L::template shift_right<kLimbBits>(L::add(a.limb[i], over));
  a.limb[0] = L::add_small(a.limb[0], L::set1(19), over);
  for (int i = 0; i < kLimbs - 1; ++i) {
    a.limb[i + 1] = L::add(a.limb[i + 1], L::template shift_right<kLimbBits>(a.limb[i]));
    a.limb[i] = L::bit_and(a.limb[i], mask);
  }
  a.limb[4] = L::bit_and(a.limb[4], mask);
  return a;
}

// Of sums.
template <class L>
typename L::Mask is_zero(const Element<L>& a) {
  const auto b = canonical<L>(carry<L>(a));
  auto bits = b.limb[0];
  for (int i = 1; i < kLimbs; ++i)
    bits = L::bit_or(bits, b.limb[i]);
  return L::equal(bits, L::set1(0));
}

// b where the mask's bit is set, a elsewhere.
template <class L>
TXINDEX_INLINE Element<L> select(typename L::Mask mask, const Element<L>& a, const Element<L>& b) {
  Element<L> result;
  for (int i = 0; i < kLimbs; ++i)
    result.limb[i] = L::select(mask, a.limb[i], b.limb[i]);
  return result;
}

// a^(2^n), of each of some elements. They do not wait for one another: a chain of squarings alone
// leaves the processor idle half of the time.
template <class L, int kCount>
TXINDEX_INLINE void square_times(Element<L> (&a)[kCount], int n) {
  for (; n > 0; --n) {
    for (auto& one : a)
      one = square<L>(one);
  }
}

template <class L, int kCount>
TXINDEX_INLINE void mul_each(Element<L> (&a)[kCount], const Element<L> (&b)[kCount]) {
  for (int i = 0; i < kCount; ++i)
    a[i] = mul<L>(a[i], b[i]);
}

template <class L, int kCount>
TXINDEX_INLINE void copy_each(Element<L> (&to)[kCount], const Element<L> (&from)[kCount]) {
  for (int i = 0; i < kCount; ++i)
    to[i] = from[i];
}

// a^(2^250 - 1) into `all`, and a^11 into `eleven`: what the powers below have in common.
template <class L, int kCount>
void power_2_250_less_1(Element<L> (&all)[kCount], Element<L> (&eleven)[kCount],
                        const Element<L> (&a)[kCount]) {
  Element<L> part[kCount];
  Element<L> nine[kCount];
  copy_each(nine, a);
  square_times(nine, 3);
  mul_each(nine, a);  // 9
  copy_each(eleven, a);
  square_times(eleven, 1);
  mul_each(eleven, nine);  // 11
  copy_each(all, eleven);
  square_times(all, 1);
  mul_each(all, nine);  // 31 = 2^5 - 1
  Element<L> five[kCount];
  copy_each(five, all);
  const auto extend = [&](const Element<L>(&by)[kCount], int n) {
    square_times(all, n);
    mul_each(all, by);
  };
  extend(five, 5);  // 2^10 - 1
  Element<L> ten[kCount];
  copy_each(ten, all);
  extend(ten, 10);  // 2^20 - 1
  copy_each(part, all);
  extend(part, 20);  // 2^40 - 1
  extend(ten, 10);   // 2^50 - 1
  Element<L> fifty[kCount];
  copy_each(fifty, all);
  extend(fifty, 50);  // 2^100 - 1
  copy_each(part, all);
  extend(part, 100);  // 2^200 - 1
  extend(fifty, 50);  // 2^250 - 1
}

// a^((p-5)/8), which is a^(2^252 - 3), into `result`.
template <class L, int kCount>
void power_p_58(Element<L> (&result)[kCount], const Element<L> (&a)[kCount]) {
  Element<L> eleven[kCount];
  power_2_250_less_1(result, eleven, a);
  square_times(result, 2);
  mul_each(result, a);
}

// 1/a, and 0 of 0.
template <class L>
Element<L> invert(const Element<L>& a) {
  const Element<L> of[1] = {a};
  Element<L> result[1];
  Element<L> eleven[1];
  power_2_250_less_1(result, eleven, of);
  square_times(result, 5);
  return mul<L>(result[0], eleven[0]);  // p - 2 = 2^255 - 21 = 2^5 (2^250 - 1) + 11
}

}  // namespace txindex::verify::ed25519
