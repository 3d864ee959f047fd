// Points of -x^2 + y^2 = 1 + d x^2 y^2 over 2^255 - 19, in eight lanes. The formulas are those of
// Hisil, Wong, Carter and Dawson (2008) for a = -1; since -1 is a square and d is not, they hold
// for all points of the curve, equal, opposite, neutral and of small order alike.
//
// A point is (X : Y : Z) with x = X/Z and y = Y/Z, and T = XY/Z, but what is kept of X and Y is
// their sum and difference, which is what an addition multiplies. A doubling can do with them, too:
// 2(X^2 + Y^2) = S^2 + D^2, 4XY = S^2 - D^2, Y^2 - X^2 = SD.
//
// Elements of points are tight (field.h says what that is); so are those of every other structure.
#pragma once

#include "verify/ed25519/field.h"

namespace txindex::verify::ed25519 {

// Y + X, Y - X, Z, T. An operation with kWithT = false leaves T out, that is, as it was: a doubling
// does not read it.
template <class L>
struct Point {
  Element<L> y_plus_x, y_minus_x, z, t;
};

// What is added to another: Y + X, Y - X, 2Z, 2dT.
template <class L>
struct Addend {
  Element<L> y_plus_x, y_minus_x, z2, t2d;
};

// The same with Z = 1.
template <class L>
struct AffineAddend {
  Element<L> y_plus_x, y_minus_x, t2d;
};

template <class L>
TXINDEX_INLINE Point<L> neutral() {
  const auto one = broadcast<L>(kOne);
  return {one, one, one, broadcast<L>(kZero)};
}

template <class L>
Addend<L> addend(const Point<L>& p) {
  return {p.y_plus_x, p.y_minus_x, carry<L>(plus<L>(p.z, p.z)), mul<L>(p.t, broadcast<L>(kTwoD))};
}

// What all operations end with: X = ef, Y = gh, Z = fg, T = eh.
template <class L, bool kWithT>
TXINDEX_INLINE Point<L> complete(const Element<L>& e, const Element<L>& f, const Element<L>& g,
                                 const Element<L>& h, const Element<L>& no_t) {
  const auto x = product<L>(e, f);
  const auto y = product<L>(g, h);
  Point<L> result;
  result.y_plus_x = carry<L>(plus<L>(y, x));
  result.y_minus_x = carry<L>(minus_wide<L>(y, x));
  result.z = mul<L>(f, g);
  if constexpr (kWithT) {
    result.t = mul<L>(e, h);
  } else {
    result.t = no_t;
  }
  return result;
}

// 2p. Does not read T.
template <class L, bool kWithT>
Point<L> twice(const Point<L>& p) {
  const auto ss = squared<L>(p.y_plus_x);
  const auto dd = squared<L>(p.y_minus_x);
  const auto sd = product<L>(p.y_plus_x, p.y_minus_x);
  const auto zz = squared<L>(p.z);
  const auto sd2 = plus<L>(sd, sd);
  const auto zz2 = plus<L>(zz, zz);
  const auto e = carry<L>(minus_wide<L>(ss, dd));
  const auto f = carry<L>(minus_wide<L>(plus<L>(zz2, zz2), sd2));
  const auto g = carry<L>(sd2);
  const auto h = carry<L>(plus<L>(ss, dd));
  return complete<L, kWithT>(e, f, g, h, p.t);
}

// p + q, or p - q in the lanes of `negative`; z2 is twice the product of both Z. Of a p without T
// the result is wrong.
template <class L, bool kWithT>
TXINDEX_INLINE Point<L> sum_of(const Point<L>& p, const Element<L>& y_plus_x,
                               const Element<L>& y_minus_x, const Element<L>& z2,
                               const Element<L>& t2d, typename L::Mask negative) {
  // -q has Y + X and Y - X changed about, and the opposite T, which changes f and g about.
  const auto a = product<L>(p.y_minus_x, select<L>(negative, y_minus_x, y_plus_x));
  const auto b = product<L>(p.y_plus_x, select<L>(negative, y_plus_x, y_minus_x));
  const auto c = product<L>(p.t, t2d);
  const auto e = carry<L>(minus_wide<L>(b, a));
  const auto h = carry<L>(plus<L>(b, a));
  const auto less = carry<L>(minus_wide<L>(z2, c));
  const auto more = carry<L>(plus<L>(z2, c));
  return complete<L, kWithT>(e, select<L>(negative, less, more), select<L>(negative, more, less), h,
                             p.t);
}

template <class L, bool kWithT>
Point<L> add(const Point<L>& p, const Addend<L>& q, typename L::Mask negative) {
  return sum_of<L, kWithT>(p, q.y_plus_x, q.y_minus_x, product<L>(p.z, q.z2), q.t2d, negative);
}

template <class L, bool kWithT>
Point<L> add(const Point<L>& p, const AffineAddend<L>& q, typename L::Mask negative) {
  return sum_of<L, kWithT>(p, q.y_plus_x, q.y_minus_x, plus<L>(p.z, p.z), q.t2d, negative);
}

// Is it the neutral point, x = 0 and y = 1? Does not read T.
template <class L>
typename L::Mask is_neutral(const Point<L>& p) {
  return static_cast<typename L::Mask>(is_zero<L>(minus<L>(p.y_plus_x, p.z)) &
                                       is_zero<L>(minus<L>(p.y_minus_x, p.z)));
}

// The points with these y, which are below p, and the sign of x that is asked for: a set bit means
// an odd x. Returns the lanes in which there is one; in the others the point is no point. (x = 0
// with an odd sign is given as x = 0; the caller has excluded both points with that x.)
template <class L, int kCount>
void decompress(Point<L> (&points)[kCount], typename L::Mask (&exists)[kCount],
                const Element<L> (&y)[kCount], const typename L::Mask (&odd)[kCount]) {
  // x^2 = u/v with u = y^2 - 1, v = d y^2 + 1; x = u v^3 (u v^7)^((p-5)/8) is a root of it, or that
  // of its opposite, if it has one.
  const auto one = broadcast<L>(kOne);
  Element<L> u[kCount];
  Element<L> v[kCount];
  Element<L> v3[kCount];
  Element<L> power_of[kCount];
  Element<L> x[kCount];
  for (int i = 0; i < kCount; ++i) {
    const auto yy = square<L>(y[i]);
    u[i] = carry<L>(minus<L>(yy, one));
    v[i] = carry<L>(plus<L>(mul<L>(yy, broadcast<L>(kD)), one));
    v3[i] = mul<L>(square<L>(v[i]), v[i]);
    power_of[i] = mul<L>(mul<L>(square<L>(v3[i]), v[i]), u[i]);
  }
  power_p_58<L>(x, power_of);
  for (int i = 0; i < kCount; ++i) {
    x[i] = mul<L>(mul<L>(x[i], v3[i]), u[i]);
    const auto vxx = mul<L>(square<L>(x[i]), v[i]);
    const auto is_root = is_zero<L>(minus<L>(vxx, u[i]));
    const auto is_other = is_zero<L>(plus<L>(vxx, u[i]));
    exists[i] = static_cast<typename L::Mask>(is_root | is_other);
    x[i] = select<L>(is_root, mul<L>(x[i], broadcast<L>(kRootOfMinusOne)), x[i]);
    const auto bit = L::bit_and(canonical<L>(x[i]).limb[0], L::set1(1));
    const auto is_odd = L::equal(bit, L::set1(1));
    const auto opposite = carry<L>(minus<L>(broadcast<L>(kZero), x[i]));
    x[i] = select<L>(static_cast<typename L::Mask>(is_odd ^ odd[i]), x[i], opposite);
    points[i].y_plus_x = carry<L>(plus<L>(y[i], x[i]));
    points[i].y_minus_x = carry<L>(minus<L>(y[i], x[i]));
    points[i].z = one;
    points[i].t = mul<L>(x[i], y[i]);
  }
}

}  // namespace txindex::verify::ed25519
