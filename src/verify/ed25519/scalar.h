// Numbers of one signature: modulo L = 2^252 + 27742317777372353535851937790883648493, the order of
// the base point, and modulo 8L, that of the curve. Plain C++, one signature at a time. Pure
// functions.
#pragma once

#include <cstdint>

namespace txindex::verify::ed25519 {

// 256 bits, the lowest 64 first.
struct Scalar {
  std::uint64_t word[4];
  bool operator==(const Scalar&) const = default;
};

inline constexpr Scalar kOrder = {{0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000}};
inline constexpr Scalar kCurveOrder = {
    {0xc09318d2e7ae9f68, 0xa6f7cef517bce6b2, 0, 0x8000000000000000}};

bool below(const Scalar& a, const Scalar& b);
// a + b modulo 2^256.
void add(Scalar& a, const Scalar& b);
// a - b modulo 2^256. True if a was below b.
bool subtract(Scalar& a, const Scalar& b);

// 32 bytes, little-endian.
Scalar load_scalar(const std::uint8_t* bytes);
bool below_order(const Scalar& a);

// The little-endian number of `words` words, at most 8, modulo L.
Scalar reduce(const std::uint64_t* words, int count);

// v s modulo L, of a negative v when `negative`.
Scalar multiply(const Scalar& v, bool negative, const Scalar& s);

// The number of bits: 0 of 0.
int bit_length(const Scalar& a);

}  // namespace txindex::verify::ed25519
