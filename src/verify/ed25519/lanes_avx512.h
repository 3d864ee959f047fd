// Eight 64-bit lanes in a register of AVX-512: PortableLanes (lanes_portable.h) in an instruction
// each. For files only that are compiled for AVX-512 F, BW, CD and DQ, with IFMA or without. It
// stands in an unnamed namespace, so that what is made of it belongs to that file: the linker must
// not merge it with code that other machines run.
//
// Without IFMA, the halves of a product come from the multiplier of floating point, which has 53
// bits, too. Of a b < 2^104, a b + 2^104 rounded towards zero has a unit of 2^52 in its last place:
// its mantissa is the high 52 bits. 2^104 + 2^52 less that is exact, and with a b on top it is 2^52
// and the low 52 bits, exact again, so that these are its mantissa. Nothing is lost and no mode of
// rounding is relied on; five instructions do what IFMA does in two.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "verify/ed25519/field.h"

namespace txindex::verify::ed25519 {
namespace {

struct Avx512Lanes {
  static constexpr int kLanes = 8;
  using Word = __m512i;
  using Mask = __mmask8;

  TXINDEX_INLINE static Word set1(std::uint64_t value) {
    return _mm512_set1_epi64(static_cast<long long>(value));
  }
  TXINDEX_INLINE static Word load(const std::uint64_t* from) { return _mm512_loadu_si512(from); }
  TXINDEX_INLINE static void store(std::uint64_t* to, Word a) { _mm512_storeu_si512(to, a); }
  // Rows are read in whole groups of eight words.
  template <int kWords>
  TXINDEX_INLINE static void load_rows(Word* to, const std::uint64_t* const* rows) {
    static_assert(kWords % kLanes == 0);
    for (int begin = 0; begin < kWords; begin += kLanes)
      transpose(to + begin, rows, begin);
  }

  TXINDEX_INLINE static Word add(Word a, Word b) { return _mm512_add_epi64(a, b); }
  TXINDEX_INLINE static Word subtract(Word a, Word b) { return _mm512_sub_epi64(a, b); }
  TXINDEX_INLINE static Word add_wrapping(Word a, Word b) { return _mm512_add_epi64(a, b); }
  TXINDEX_INLINE static Word subtract_wrapping(Word a, Word b) { return _mm512_sub_epi64(a, b); }
  TXINDEX_INLINE static Word bit_and(Word a, Word b) { return _mm512_and_si512(a, b); }
  TXINDEX_INLINE static Word bit_or(Word a, Word b) { return _mm512_or_si512(a, b); }
  TXINDEX_INLINE static Word bit_xor3(Word a, Word b, Word c) {
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
  }
  TXINDEX_INLINE static Word choose(Word a, Word b, Word c) {
    return _mm512_ternarylogic_epi64(a, b, c, 0xca);
  }
  TXINDEX_INLINE static Word majority(Word a, Word b, Word c) {
    return _mm512_ternarylogic_epi64(a, b, c, 0xe8);
  }
  template <int kBits>
  TXINDEX_INLINE static Word shift_left(Word a) {
    return _mm512_slli_epi64(a, kBits);
  }
  template <int kBits>
  TXINDEX_INLINE static Word shift_right(Word a) {
    return _mm512_srli_epi64(a, kBits);
  }
  template <int kBits>
  TXINDEX_INLINE static Word rotate_right(Word a) {
    return _mm512_ror_epi64(a, kBits);
  }
  TXINDEX_INLINE static Word shift_left_by(Word a, Word b) { return _mm512_sllv_epi64(a, b); }
  TXINDEX_INLINE static Word shift_right_by(Word a, Word b) { return _mm512_srlv_epi64(a, b); }
  TXINDEX_INLINE static Word leading_zeros(Word a) { return _mm512_lzcnt_epi64(a); }
  TXINDEX_INLINE static Word byte_swap(Word a) {
    const Word order = _mm512_set4_epi32(0x08090a0b, 0x0c0d0e0f, 0x00010203, 0x04050607);
    return _mm512_shuffle_epi8(a, order);
  }

#ifdef __AVX512IFMA__
  TXINDEX_INLINE static void add_product(Word& low, Word& high, Word a, Word b) {
    low = _mm512_madd52lo_epu64(low, a, b);
    high = _mm512_madd52hi_epu64(high, a, b);
  }
  TXINDEX_INLINE static Word add_small(Word sum, Word a, Word b) {
    return _mm512_madd52lo_epu64(sum, a, b);
  }
#else
  TXINDEX_INLINE static void add_product(Word& low, Word& high, Word a, Word b) {
    const auto x = _mm512_cvtepu64_pd(a);
    const auto y = _mm512_cvtepu64_pd(b);
    const auto top = _mm512_fmadd_round_pd(x, y, _mm512_set1_pd(0x1p104),
                                           _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
    const auto rest = _mm512_sub_pd(_mm512_set1_pd(0x1.0000000000001p104), top);
    high = add_mantissa(high, top, _mm512_set1_pd(0x1p104));
    low = add_mantissa(low, _mm512_fmadd_pd(x, y, rest), _mm512_set1_pd(0x1p52));
  }
  TXINDEX_INLINE static Word add_small(Word sum, Word a, Word b) {
    return _mm512_add_epi64(sum, _mm512_mul_epu32(a, b));
  }
#endif

  TXINDEX_INLINE static Mask equal(Word a, Word b) {
    return _mm512_cmpeq_epu64_mask(a, b);
  }
  TXINDEX_INLINE static Mask below(Word a, Word b) {
    return _mm512_cmplt_epu64_mask(a, b);
  }
  TXINDEX_INLINE static Word select(Mask mask, Word a, Word b) {
    return _mm512_mask_blend_epi64(mask, a, b);
  }

 private:
#ifndef __AVX512IFMA__
  // Of a number from `one`, a power of two, up to twice that.
  TXINDEX_INLINE static Word add_mantissa(Word sum, __m512d number, __m512d one) {
    return _mm512_add_epi64(
        sum, _mm512_sub_epi64(_mm512_castpd_si512(number), _mm512_castpd_si512(one)));
  }
#endif
  TXINDEX_INLINE static void transpose(Word* to, const std::uint64_t* const* rows, int begin) {
    Word r[kLanes];
    for (int i = 0; i < kLanes; ++i)
      r[i] = load(rows[i] + begin);
    Word pair[kLanes];  // of rows i and i + 1: words 0 2 4 6, and 1 3 5 7
    for (int i = 0; i < kLanes; i += 2) {
      pair[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
      pair[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
    }
    for (int odd = 0; odd < 2; ++odd) {
      // Of rows 0 to 3, and 4 to 7: words 0 and 4, and 2 and 6.
      const Word a04 = _mm512_shuffle_i64x2(pair[odd], pair[2 + odd], 0x88);
      const Word a26 = _mm512_shuffle_i64x2(pair[odd], pair[2 + odd], 0xdd);
      const Word b04 = _mm512_shuffle_i64x2(pair[4 + odd], pair[6 + odd], 0x88);
      const Word b26 = _mm512_shuffle_i64x2(pair[4 + odd], pair[6 + odd], 0xdd);
      to[odd] = _mm512_shuffle_i64x2(a04, b04, 0x88);
      to[4 + odd] = _mm512_shuffle_i64x2(a04, b04, 0xdd);
      to[2 + odd] = _mm512_shuffle_i64x2(a26, b26, 0x88);
      to[6 + odd] = _mm512_shuffle_i64x2(a26, b26, 0xdd);
    }
  }
};

}  // namespace
}  // namespace txindex::verify::ed25519
