#include "verify/ed25519/scalar.h"

#include <bit>
#include <cassert>
#include <cstring>

namespace txindex::verify::ed25519 {
namespace {

__extension__ using Wide = unsigned __int128;

// What it is over 2^252.
constexpr std::uint64_t kOver[2] = {kOrder.word[0], kOrder.word[1]};

}  // namespace

void add(Scalar& a, const Scalar& b) {
  Wide carry = 0;
  for (int i = 0; i < 4; ++i) {
    carry += static_cast<Wide>(a.word[i]) + b.word[i];
    a.word[i] = static_cast<std::uint64_t>(carry);
    carry >>= 64;
  }
}

bool subtract(Scalar& a, const Scalar& b) {
  std::uint64_t borrow = 0;
  for (int i = 0; i < 4; ++i) {
    const Wide part = static_cast<Wide>(a.word[i]) - b.word[i] - borrow;
    a.word[i] = static_cast<std::uint64_t>(part);
    borrow = static_cast<std::uint64_t>(part >> 64) & 1;
  }
  return borrow != 0;
}

bool below(const Scalar& a, const Scalar& b) {
  for (int i = 3; i >= 0; --i) {
    if (a.word[i] != b.word[i]) return a.word[i] < b.word[i];
  }
  return false;
}

Scalar load_scalar(const std::uint8_t* bytes) {
  static_assert(std::endian::native == std::endian::little);
  Scalar a;
  std::memcpy(a.word, bytes, sizeof(a.word));
  return a;
}

bool below_order(const Scalar& a) {
  return below(a, kOrder);
}

int bit_length(const Scalar& a) {
  for (int i = 3; i >= 0; --i) {
    if (a.word[i] != 0) return 64 * i + static_cast<int>(std::bit_width(a.word[i]));
  }
  return 0;
}

Scalar reduce(const std::uint64_t* words, int count) {
  assert(count <= 8);
  // From the highest word down: what is left, below L, times 2^64 and the next word; then off with
  // as many times L as there are whole 2^252 in that, and once L too many is put back.
  Scalar rest = {{0, 0, 0, 0}};
  for (int i = count - 1; i >= 0; --i) {
    // rest < L, so this is at most 2^64: one bit more than a word. It times kOver is below L.
    const std::uint64_t times = rest.word[3] << 4 | rest.word[2] >> 60;
    const std::uint64_t times_high = rest.word[3] >> 60;
    rest = {{words[i], rest.word[0], rest.word[1], rest.word[2] & 0x0fffffffffffffff}};
    Scalar off;
    Wide part = static_cast<Wide>(times) * kOver[0];
    off.word[0] = static_cast<std::uint64_t>(part);
    part = static_cast<Wide>(times) * kOver[1] + static_cast<std::uint64_t>(part >> 64);
    if (times_high != 0) part += kOver[0];
    off.word[1] = static_cast<std::uint64_t>(part);
    part >>= 64;
    if (times_high != 0) part += kOver[1];
    off.word[2] = static_cast<std::uint64_t>(part);
    off.word[3] = static_cast<std::uint64_t>(part >> 64);
    if (subtract(rest, off)) add(rest, kOrder);
  }
  return rest;
}

Scalar multiply(const Scalar& v, bool negative, const Scalar& s) {
  std::uint64_t product[8] = {};
  for (int i = 0; i < 4; ++i) {
    std::uint64_t carry = 0;
    for (int j = 0; j < 4; ++j) {
      const Wide part = static_cast<Wide>(v.word[i]) * s.word[j] + product[i + j] + carry;
      product[i + j] = static_cast<std::uint64_t>(part);
      carry = static_cast<std::uint64_t>(part >> 64);
    }
    product[i + 4] = carry;
  }
  Scalar result = reduce(product, 8);
  if (!negative || bit_length(result) == 0) return result;
  Scalar opposite = kOrder;
  subtract(opposite, result);
  return opposite;
}

}  // namespace txindex::verify::ed25519
