// Multiples of the base point B, for scalars in signed digits of eight bits.
#pragma once

#include <cstdint>

namespace txindex::verify::ed25519 {

constexpr int kBaseDigitBits = 8;
constexpr int kBaseRows = (1 << (kBaseDigitBits - 1)) + 1;
constexpr int kBaseRowWords = 16;

// i B as y + x, y - x and 2dxy, each five limbs below 2^51, and a word of nothing; i = 0 to 128.
struct BaseTable {
  alignas(64) std::uint64_t row[kBaseRows][kBaseRowWords];
};

// Of B, and of 2^128 B: a scalar of 256 bits is done with half of the doublings.
struct BaseTables {
  BaseTable low;
  BaseTable high;
};

// Made at the first call, in some milliseconds. Any thread.
const BaseTables& base_tables();

}  // namespace txindex::verify::ed25519
