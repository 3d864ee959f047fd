// Verification of eight signatures in eight lanes, for any kind of lanes. No secret is handled:
// tables are read where the numbers say, and branches taken as they fall.
//
// A signature (R, S) of the message M by the key A is valid if
//
//   S B - h A = R,   h = SHA-512(R, A, M) modulo L,
//
// as an equation of points, without a cofactor, and if none of its encodings is refused
// (encoding.h). libsodium computes the left side, writes it down, and compares bytes. Here R is
// read as a point instead: bytes that are no point are not equal to any, and those of a point are
// its only canonical ones, so that both comparisons say the same.
//
// Then it is enough to see whether the difference D = S B - h A - R is neutral, and so is any
// multiple v D in place of it if v is invertible modulo the order of every point of the curve,
// which divides 8L: if v is odd and 0 < |v| < L. With u = v h modulo 8L, for every A of the curve,
// also one that is not of order L,
//
//   v D = (v S mod L) B - u A - v R,
//
// where u and v can be chosen with 128 bits instead of the 253 of h (half.h). The 253 bits of v S
// are no burden, since B's multiples are tabulated, and those of 2^128 B. So half of the doublings
// are left for the price of a second square root, which is done side by side with that of A, when a
// single one would have the processor wait for itself.
#pragma once

#include <cstdlib>

#include "verify/ed25519/base_table.h"
#include "verify/ed25519/blocks.h"
#include "verify/ed25519/encoding.h"
#include "verify/ed25519/kernel.h"
#include "verify/ed25519/multipliers.h"
#include "verify/ed25519/point.h"
#include "verify/ed25519/sha512.h"

namespace txindex::verify::ed25519 {

constexpr int kMultiples = 1 << (kDigitBits - 1);

// SHA-512 of R, A and M of each, as little-endian words of one number of 512 bits.
template <class L>
void hash_all(std::uint64_t (&hash)[8][kSignatures], const Triple (&triples)[kSignatures]) {
  Sha512<L> sha;
  sha.start();
  alignas(64) std::uint64_t blocks[kSignatures][kBlockBytes / 8];
  const std::uint64_t* rows[kSignatures];
  for (int i = 0; i < kSignatures; ++i)
    rows[i] = blocks[i];
  for (std::size_t index = 0;; ++index) {
    unsigned active = 0;
    for (int i = 0; i < kSignatures; ++i)
      active |= static_cast<unsigned>(fill_block(blocks[i], triples[i], index)) << i;
    if (active == 0) break;
    typename L::Word words[kBlockBytes / 8];
    L::template load_rows<kBlockBytes / 8>(words, rows);
    for (auto& word : words)
      word = L::byte_swap(word);
    sha.block(words, static_cast<typename L::Mask>(active));
  }
  for (int w = 0; w < 8; ++w)
    L::store(hash[w], L::byte_swap(sha.state[w]));
}

// multiples[i] = (i + 1) p.
template <class L>
void tabulate(Addend<L> (&multiples)[kMultiples], const Point<L>& p) {
  Point<L> points[kMultiples];
  points[0] = p;
  multiples[0] = addend<L>(p);
  for (int i = 1; i < kMultiples; ++i) {
    points[i] =
        i % 2 == 1 ? twice<L, true>(points[i / 2]) : add<L, true>(points[i - 1], multiples[0], 0);
    multiples[i] = addend<L>(points[i]);
  }
}

// Digits of the multiples, one of each lane.
template <class L>
struct LaneDigits {
  typename L::Word magnitude;
  typename L::Mask negative;
};

// Digit number i of u or v.
template <class L>
LaneDigits<L> digit(const std::uint64_t (&words)[kDigitWords][kSignatures], int i) {
  const auto half = L::set1(kMultiples);
  const int at = i * kDigitBits;
  const auto word =
      L::shift_right_by(L::load(words[at / 64]), L::set1(static_cast<std::uint64_t>(at % 64)));
  const auto value = L::bit_and(word, L::set1(2 * kMultiples - 1));
  const auto negative = L::below(value, half);
  return {L::select(negative, L::subtract_wrapping(value, half), L::subtract_wrapping(half, value)),
          negative};
}

template <class L>
Addend<L> pick(const Addend<L> (&multiples)[kMultiples], typename L::Word magnitude) {
  const auto one = broadcast<L>(kOne);
  Addend<L> result = {one, one, plus<L>(one, one), broadcast<L>(kZero)};
  for (int i = 0; i < kMultiples; ++i) {
    const auto here = L::equal(magnitude, L::set1(static_cast<std::uint64_t>(i) + 1));
    result.y_plus_x = select<L>(here, result.y_plus_x, multiples[i].y_plus_x);
    result.y_minus_x = select<L>(here, result.y_minus_x, multiples[i].y_minus_x);
    result.z2 = select<L>(here, result.z2, multiples[i].z2);
    result.t2d = select<L>(here, result.t2d, multiples[i].t2d);
  }
  return result;
}

// Of the lanes of `negative` it is what is to be subtracted.
template <class L>
AffineAddend<L> pick(const BaseTable& table, const Multipliers& by, int digit,
                     typename L::Mask& negative) {
  const int bit = digit * kBaseDigitBits;
  const std::uint64_t* rows[kSignatures];
  unsigned below = 0;
  for (int i = 0; i < kSignatures; ++i) {
    constexpr int kHalf = 1 << (kBaseDigitBits - 1);
    const int value = static_cast<int>(by.vs[bit / 64][i] >> (bit % 64) & (2 * kHalf - 1)) - kHalf;
    rows[i] = table.row[std::abs(value)];
    below |= static_cast<unsigned>(value < 0) << i;
  }
  negative = static_cast<typename L::Mask>(below);
  typename L::Word words[kBaseRowWords];
  L::template load_rows<kBaseRowWords>(words, rows);
  AffineAddend<L> result;
  for (int i = 0; i < kLimbs; ++i) {
    result.y_plus_x.limb[i] = words[i];
    result.y_minus_x.limb[i] = words[kLimbs + i];
    result.t2d.limb[i] = words[2 * kLimbs + i];
  }
  return result;
}

// (v S) B + u minus_a + v minus_r, without T.
template <class L>
Point<L> multiply(const Multipliers& by, const Point<L>& minus_a, const Point<L>& minus_r,
                  const BaseTables& base) {
  using Mask = typename L::Mask;
  Addend<L> of_a[kMultiples];
  Addend<L> of_r[kMultiples];
  tabulate<L>(of_a, minus_a);
  tabulate<L>(of_r, minus_r);
  Point<L> sum = neutral<L>();
  for (int i = by.digits - 1; i >= 0; --i) {
    if (i != by.digits - 1) {
      for (int bit = 1; bit < kDigitBits; ++bit)
        sum = twice<L, false>(sum);
      sum = twice<L, true>(sum);
    }
    const int at = i * kDigitBits / kBaseDigitBits;
    if (i * kDigitBits % kBaseDigitBits == 0 && at < kBaseDigits / 2) {
      Mask negative;
      auto multiple = pick<L>(base.low, by, at, negative);
      sum = add<L, true>(sum, multiple, negative);
      multiple = pick<L>(base.high, by, kBaseDigits / 2 + at, negative);
      sum = add<L, true>(sum, multiple, negative);
    }
    const auto u = digit<L>(by.u, i);
    sum = add<L, true>(sum, pick<L>(of_a, u.magnitude), u.negative);
    const auto v = digit<L>(by.v, i);
    sum = add<L, false>(sum, pick<L>(of_r, v.magnitude),
                        static_cast<Mask>(v.negative ^ by.v_negative));
  }
  return sum;
}

template <class L>
Verdicts verify_lanes(const Triple (&triples)[kSignatures], const BaseTables& base) {
  using Mask = typename L::Mask;
  unsigned refused = 0;
  Mask minus_odd[2] = {0, 0};  // the sign of -A's and -R's x
  alignas(64) std::uint64_t limbs[2][kLimbs][kSignatures];
  for (int i = 0; i < kSignatures; ++i) {
    const auto& triple = triples[i];
    refused |= static_cast<unsigned>(is_refused(triple.public_key, triple.signature)) << i;
    const std::uint8_t* points[2] = {triple.public_key, triple.signature};
    for (int p = 0; p < 2; ++p) {
      load_limbs(&limbs[p][0][i], kSignatures, points[p]);
      minus_odd[p] = static_cast<Mask>(minus_odd[p] | (~points[p][31] >> 7 & 1) << i);
    }
  }
  std::uint64_t hash[8][kSignatures];
  hash_all<L>(hash, triples);
  Scalar h[kSignatures];
  reduce_all(h, hash);
  HalfPair pairs[kSignatures];
  half_all<L>(pairs, h);
  const Multipliers by = make_multipliers(triples, pairs, static_cast<std::uint8_t>(refused));

  Element<L> y[2];
  for (int p = 0; p < 2; ++p) {
    for (int i = 0; i < kLimbs; ++i)
      y[p].limb[i] = L::load(limbs[p][i]);
  }
  Point<L> points[2];
  Mask exists[2];
  decompress<L>(points, exists, y, minus_odd);
  const Point<L> difference = multiply<L>(by, points[0], points[1], base);
  const unsigned judged = ~(refused | by.undecided) & 0xff;
  return {static_cast<std::uint8_t>(is_neutral<L>(difference) & exists[0] & exists[1] & judged),
          by.undecided};
}

}  // namespace txindex::verify::ed25519
