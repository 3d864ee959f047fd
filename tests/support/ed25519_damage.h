// What may be done to a signature (support/ed25519_cases.h), as choices say.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "support/choices.h"
#include "support/ed25519_signing.h"

namespace txindex::test {

inline void flip(std::vector<std::uint8_t>& bytes, std::size_t first, std::size_t count,
                 Choices& choices) {
  const std::size_t bit = choices.below(count * 8);
  bytes[first + bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
}

inline void set_s(SignatureCase& one, const std::vector<std::uint8_t>& s) {
  std::copy_n(s.begin(), 32, one.signature.begin() + 32);
}

// A key, an R or an S.
inline std::span<std::uint8_t> part(SignatureCase& one, std::size_t number) {
  if (number == 0) return one.key;
  return std::span(one.signature).subspan(number == 1 ? 0 : 32, 32);
}

inline std::vector<std::uint8_t> extreme_s(Choices& choices) {
  std::vector<std::uint8_t> s(32);
  const std::size_t bit = choices.below(256);
  switch (choices.below(3)) {
    case 0:
      s[bit / 8] = static_cast<std::uint8_t>(1U << bit % 8);
      return s;
    case 1:
      std::fill_n(s.begin(), bit / 8, 0xff);
      s[bit / 8] = static_cast<std::uint8_t>((1U << bit % 8) - 1);
      return s;
    default:
      s = from_hex(kGroupOrder);
      s[0] = static_cast<std::uint8_t>(s[0] - 3 + choices.below(7));
      return s;
  }
}

// Numbers of 255 bits near 0, p and 2^255, and with limbs of 51 bits that are all ones or zeros.
inline std::vector<std::vector<std::uint8_t>> extreme_coordinates() {
  std::vector<std::vector<std::uint8_t>> all;
  for (int n = 0; n < 24; ++n) {
    all.emplace_back(32)[0] = static_cast<std::uint8_t>(n);
    all.emplace_back(32, 0xff)[0] = static_cast<std::uint8_t>(0xff - n);
    all.back()[31] = 0x7f;
  }
  for (unsigned limbs = 1; limbs < 31; ++limbs) {
    std::vector<std::uint8_t>& y = all.emplace_back(32);
    for (unsigned bit = 0; bit < 255; ++bit)
      y[bit / 8] |= static_cast<std::uint8_t>((limbs >> bit / 51 & 1) << bit % 8);
  }
  return all;
}

inline void write_run(SignatureCase& one, Choices& choices) {
  const auto bytes = part(one, choices.below(3));
  const std::size_t first = choices.below(256);
  const std::size_t count = choices.below(128);
  const bool ones = choices.below(2) == 1;
  for (std::size_t bit = first; bit < std::min<std::size_t>(256, first + count); ++bit) {
    const auto mask = static_cast<std::uint8_t>(1U << bit % 8);
    bytes[bit / 8] =
        static_cast<std::uint8_t>(ones ? bytes[bit / 8] | mask : bytes[bit / 8] & ~mask);
  }
}

}  // namespace txindex::test
