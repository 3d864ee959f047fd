#include "verify/ed25519/encoding.h"

#include <algorithm>
#include <iterator>

#include "verify/ed25519/scalar.h"

namespace txindex::verify::ed25519 {
namespace {

constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
constexpr std::uint64_t kOnes = ~std::uint64_t{0};
constexpr Scalar kPrime = {{kOnes - 18, kOnes, kOnes, kOnes >> 1}};

// y of all points of small order: 0 (order 4), 1 (order 1), -1 (order 2), two of order 8; and the
// other way to write 0 and 1, p above them.
constexpr Scalar kSmallOrder[] = {
    {{0, 0, 0, 0}},
    {{1, 0, 0, 0}},
    {{kOnes - 19, kOnes, kOnes, kOnes >> 1}},
    {{0xb027b2c28f95e826, 0xf098eff289f4c345, 0x3933c6d305acdfd5, 0x05fc536d880238b1}},
    {{0x4fd84d3d706a17c7, 0x0f67100d760b3cba, 0xc6cc392cfa53202a, 0x7a03ac9277fdc74e}},
    {{kOnes - 18, kOnes, kOnes, kOnes >> 1}},
    {{kOnes - 17, kOnes, kOnes, kOnes >> 1}},
};

Scalar load_y(const std::uint8_t* point) {
  Scalar y = load_scalar(point);
  y.word[3] &= ~kSign;
  return y;
}

bool refused(const Scalar& y) {
  return !below(y, kPrime) || std::any_of(std::begin(kSmallOrder), std::end(kSmallOrder),
                                          [&](const Scalar& small) { return y == small; });
}

}  // namespace

bool is_refused(const std::uint8_t* public_key, const std::uint8_t* signature) {
  return !below_order(load_scalar(signature + 32)) || refused(load_y(public_key)) ||
         refused(load_y(signature));
}

void load_limbs(std::uint64_t* limbs, int stride, const std::uint8_t* point) {
  constexpr std::uint64_t kMask = (std::uint64_t{1} << 51) - 1;
  const Scalar y = load_y(point);
  limbs[0] = y.word[0] & kMask;
  limbs[stride] = (y.word[0] >> 51 | y.word[1] << 13) & kMask;
  limbs[2 * stride] = (y.word[1] >> 38 | y.word[2] << 26) & kMask;
  limbs[3 * stride] = (y.word[2] >> 25 | y.word[3] << 39) & kMask;
  limbs[4 * stride] = y.word[3] >> 12;
}

}  // namespace txindex::verify::ed25519
