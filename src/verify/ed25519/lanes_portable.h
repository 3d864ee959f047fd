// Eight 64-bit lanes in plain C++: what each instruction of the kernel means. It runs wherever C++
// does, much slower, and makes the tables of the base point. Built with assertions, it stops where
// a number has outgrown what the instruction can take.
#pragma once

#include <bit>
#include <cassert>
#include <cstdint>

namespace txindex::verify::ed25519 {

struct PortableLanes {
  static constexpr int kLanes = 8;
  struct Word {
    std::uint64_t lane[kLanes];
  };
  using Mask = std::uint8_t;  // bit i is lane i

  static Word set1(std::uint64_t value) {
    return each([&](int) { return value; });
  }
  static Word load(const std::uint64_t* from) {
    return each([&](int i) { return from[i]; });
  }
  static void store(std::uint64_t* to, Word a) {
    for (int i = 0; i < kLanes; ++i)
      to[i] = a.lane[i];
  }
  // Word w of the result is word w of each row. A multiple of eight words.
  template <int kWords>
  static void load_rows(Word* to, const std::uint64_t* const* rows) {
    for (int w = 0; w < kWords; ++w)
      to[w] = each([&](int i) { return rows[i][w]; });
  }

  // Sums of limbs, which do not reach 2^64, and differences, which are not negative.
  static Word add(Word a, Word b) {
    return each([&](int i) {
      assert(a.lane[i] + b.lane[i] >= a.lane[i]);
      return a.lane[i] + b.lane[i];
    });
  }
  static Word subtract(Word a, Word b) {
    return each([&](int i) {
      assert(a.lane[i] >= b.lane[i]);
      return a.lane[i] - b.lane[i];
    });
  }
  static Word add_wrapping(Word a, Word b) {
    return each([&](int i) { return a.lane[i] + b.lane[i]; });
  }
  static Word subtract_wrapping(Word a, Word b) {
    return each([&](int i) { return a.lane[i] - b.lane[i]; });
  }
  static Word bit_and(Word a, Word b) {
    return each([&](int i) { return a.lane[i] & b.lane[i]; });
  }
  static Word bit_or(Word a, Word b) {
    return each([&](int i) { return a.lane[i] | b.lane[i]; });
  }
  static Word bit_xor3(Word a, Word b, Word c) {
    return each([&](int i) { return a.lane[i] ^ b.lane[i] ^ c.lane[i]; });
  }
  // b where a has a one, c where it has a zero.
  static Word choose(Word a, Word b, Word c) {
    return each([&](int i) { return (a.lane[i] & b.lane[i]) | (~a.lane[i] & c.lane[i]); });
  }
  static Word majority(Word a, Word b, Word c) {
    return each([&](int i) {
      return (a.lane[i] & b.lane[i]) | (a.lane[i] & c.lane[i]) | (b.lane[i] & c.lane[i]);
    });
  }
  template <int kBits>
  static Word shift_left(Word a) {
    return each([&](int i) {
      assert(a.lane[i] << kBits >> kBits == a.lane[i]);
      return a.lane[i] << kBits;
    });
  }
  template <int kBits>
  static Word shift_right(Word a) {
    return each([&](int i) { return a.lane[i] >> kBits; });
  }
  template <int kBits>
  static Word rotate_right(Word a) {
    return each([&](int i) { return a.lane[i] >> kBits | a.lane[i] << (64 - kBits); });
  }
  // By the number in the same lane of b: zero from 64 up.
  static Word shift_left_by(Word a, Word b) {
    return each([&](int i) { return b.lane[i] < 64 ? a.lane[i] << b.lane[i] : 0; });
  }
  static Word shift_right_by(Word a, Word b) {
    return each([&](int i) { return b.lane[i] < 64 ? a.lane[i] >> b.lane[i] : 0; });
  }
  // 64 of zero.
  static Word leading_zeros(Word a) {
    return each([&](int i) { return static_cast<std::uint64_t>(std::countl_zero(a.lane[i])); });
  }
  static Word byte_swap(Word a) {
    return each([&](int i) { return __builtin_bswap64(a.lane[i]); });
  }

  // The product of a and b, which are below 2^52: its low 52 bits are added to one word, and its
  // high 52 bits to the other.
  static void add_product(Word& low, Word& high, Word a, Word b) {
    for (int i = 0; i < kLanes; ++i) {
      low.lane[i] = checked(low.lane[i], product(a, b, i) & kLow52);
      high.lane[i] = checked(high.lane[i], product(a, b, i) >> 52);
    }
  }
  // sum + a b, of numbers below 2^32 with a product below 2^52.
  static Word add_small(Word sum, Word a, Word b) {
    return each([&](int i) {
      assert(a.lane[i] >> 32 == 0 && b.lane[i] >> 32 == 0 && product(a, b, i) >> 52 == 0);
      return checked(sum.lane[i], product(a, b, i));
    });
  }

  static Mask equal(Word a, Word b) {
    unsigned mask = 0;
    for (int i = 0; i < kLanes; ++i)
      mask |= static_cast<unsigned>(a.lane[i] == b.lane[i]) << i;
    return static_cast<Mask>(mask);
  }
  static Mask below(Word a, Word b) {
    unsigned mask = 0;
    for (int i = 0; i < kLanes; ++i)
      mask |= static_cast<unsigned>(a.lane[i] < b.lane[i]) << i;
    return static_cast<Mask>(mask);
  }
  // b where the mask's bit is set, a elsewhere.
  static Word select(Mask mask, Word a, Word b) {
    return each([&](int i) { return mask >> i & 1 ? b.lane[i] : a.lane[i]; });
  }

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr Wide kLow52 = (std::uint64_t{1} << 52) - 1;

  template <class F>
  static Word each(F f) {
    Word result;
    for (int i = 0; i < kLanes; ++i)
      result.lane[i] = f(i);
    return result;
  }
  static Wide product(const Word& a, const Word& b, int i) {
    assert(a.lane[i] >> 52 == 0 && b.lane[i] >> 52 == 0);
    return static_cast<Wide>(a.lane[i]) * b.lane[i];
  }
  static std::uint64_t checked(std::uint64_t sum, Wide part) {
    assert(sum + static_cast<std::uint64_t>(part) >= sum);
    return sum + static_cast<std::uint64_t>(part);
  }
};

}  // namespace txindex::verify::ed25519
