// The part of the AVX-512 kernel that hashes, by itself.
#pragma once

#include <cstdint>

#include "verify/ed25519/kernel.h"

namespace txindex::bench {

// SHA-512 of R, A and the message of eight, as little-endian words, one of each in a row. Only
// where avx512_is_there().
void hash_by_avx512(std::uint64_t (&hash)[8][verify::ed25519::kSignatures],
                    const verify::ed25519::Triple* eight);

}  // namespace txindex::bench
