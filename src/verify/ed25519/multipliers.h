// The numbers that the points of a verification are multiplied with (verify_lanes.h says which), as
// signed digits. What is done for one signature at a time, and not in lanes.
//
// A digit of n bits is from -2^(n-1) to 2^(n-1) - 1. With 2^(n-1) added to each, they are the
// digits of a number as it is usually written: what is kept is the number with all of these added,
// so that any digit is n bits of it, less 2^(n-1).
#pragma once

#include <cstdint>

#include "verify/ed25519/base_table.h"
#include "verify/ed25519/half.h"
#include "verify/ed25519/kernel.h"

namespace txindex::verify::ed25519 {

constexpr int kDigitBits = 4;
// Of u and v. 33 are enough for nearly all pairs.
constexpr int kDigitsMax = 40;
constexpr int kDigitWords = (kDigitsMax * kDigitBits + 63) / 64;
// Of v S.
constexpr int kBaseDigits = 256 / kBaseDigitBits;

// Little-endian words of the number in each lane.
struct Multipliers {
  alignas(64) std::uint64_t u[kDigitWords][kSignatures];
  alignas(64) std::uint64_t v[kDigitWords][kSignatures];
  alignas(64) std::uint64_t vs[4][kSignatures];
  std::uint8_t v_negative = 0;  // lanes in which the v above is the opposite of v
  std::uint8_t undecided = 0;   // lanes for which there are none
  int digits = 0;               // of u and v, as many as need be looked at
};

// The hashes modulo L. That of a lane is the little-endian number of 512 bits whose word w is
// hash[w][lane].
void reduce_all(Scalar (&h)[kSignatures], const std::uint64_t (&hash)[8][kSignatures]);

// From what h, the reduced hash, was split into. Lanes of `skipped` and of `undecided` are 0.
Multipliers make_multipliers(const Triple (&triples)[kSignatures],
                             const HalfPair (&pairs)[kSignatures], std::uint8_t skipped);

}  // namespace txindex::verify::ed25519
