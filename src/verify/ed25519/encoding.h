// What can be said of a signature by its bytes alone. Pure; any thread.
#pragma once

#include <cstdint>

namespace txindex::verify::ed25519 {

// Does libsodium 1.0.18 refuse this key of 32 bytes with this signature of 64 whatever is signed?
// It does if S is not below the order of the base point, A's y not below 2^255 - 19, or A or R of
// small order. Also if R's y is not below: no point that is computed is written like this.
bool is_refused(const std::uint8_t* public_key, const std::uint8_t* signature);

// The five limbs of 51 bits of the y of a point, to limbs[0], limbs[stride] and so on. The highest
// bit of the 32 bytes is the sign of x, and left out.
void load_limbs(std::uint64_t* limbs, int stride, const std::uint8_t* point);

}  // namespace txindex::verify::ed25519
