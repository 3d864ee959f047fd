// What is hashed for a signature: R, A and the message, as blocks of SHA-512.
#pragma once

#include <cstddef>
#include <cstdint>

#include "verify/ed25519/kernel.h"

namespace txindex::verify::ed25519 {

constexpr int kBlockBytes = 128;

// Block `index` with what SHA-512 puts behind the message. False, and zeros, after the last.
bool fill_block(std::uint64_t (&block)[kBlockBytes / 8], const Triple& triple, std::size_t index);

}  // namespace txindex::verify::ed25519
