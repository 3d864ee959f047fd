#include "verify/ed25519/multipliers.h"

#include <algorithm>

#include "verify/ed25519/scalar.h"

namespace txindex::verify::ed25519 {
namespace {

constexpr std::uint64_t kHalves4 = 0x8888888888888888;
constexpr std::uint64_t kHalves8 = 0x8080808080808080;
static_assert(kDigitBits == 4 && kDigitsMax * kDigitBits == 2 * 64 + 32);
constexpr Scalar kOnDigits = {{kHalves4, kHalves4, kHalves4 >> 32, 0}};
static_assert(kBaseDigitBits == 8 && kBaseDigits == 4 * 8);
constexpr Scalar kOnBaseDigits = {{kHalves8, kHalves8, kHalves8, kHalves8}};

template <int kWords>
void put(std::uint64_t (&to)[kWords][kSignatures], int lane, Scalar number, const Scalar& halves) {
  add(number, halves);
  for (int w = 0; w < kWords; ++w)
    to[w][lane] = number.word[w];
}

}  // namespace

void reduce_all(Scalar (&h)[kSignatures], const std::uint64_t (&hash)[8][kSignatures]) {
  for (int lane = 0; lane < kSignatures; ++lane) {
    std::uint64_t words[8];
    for (int w = 0; w < 8; ++w)
      words[w] = hash[w][lane];
    h[lane] = reduce(words, 8);
  }
}

Multipliers make_multipliers(const Triple (&triples)[kSignatures],
                             const HalfPair (&pairs)[kSignatures], std::uint8_t skipped) {
  // The highest digit is at most 7, and that below it may leave one to it.
  constexpr int kMostBits = (kDigitsMax - 1) * kDigitBits;
  constexpr Scalar kNothing = {{0, 0, 0, 0}};
  Multipliers result;
  int bits = 0;
  for (int lane = 0; lane < kSignatures; ++lane) {
    const HalfPair& pair = pairs[lane];
    const unsigned bit = 1U << lane;
    const bool is_skipped = (skipped & bit) != 0;
    const int longest = std::max(bit_length(pair.u), bit_length(pair.v));
    if (is_skipped || !pair.holds || longest > kMostBits) {
      if (!is_skipped) result.undecided = static_cast<std::uint8_t>(result.undecided | bit);
      put(result.u, lane, kNothing, kOnDigits);
      put(result.v, lane, kNothing, kOnDigits);
      put(result.vs, lane, kNothing, kOnBaseDigits);
      continue;
    }
    bits = std::max(bits, longest);
    put(result.u, lane, pair.u, kOnDigits);
    put(result.v, lane, pair.v, kOnDigits);
    if (pair.v_negative) result.v_negative = static_cast<std::uint8_t>(result.v_negative | bit);
    put(result.vs, lane,
        multiply(pair.v, pair.v_negative, load_scalar(triples[lane].signature + 32)),
        kOnBaseDigits);
  }
  // And those of v S: of both its halves at a time.
  result.digits = std::max((bits + 1) / kDigitBits + 1, 128 / kDigitBits);
  return result;
}

}  // namespace txindex::verify::ed25519
