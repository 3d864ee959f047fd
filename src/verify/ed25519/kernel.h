// What a kernel does: eight Ed25519 signatures side by side, judged exactly as libsodium 1.0.18
// does.
#pragma once

#include <cstddef>
#include <cstdint>

namespace txindex::verify::ed25519 {

constexpr int kSignatures = 8;

// The caller's bytes, which must outlive the call.
struct Triple {
  const std::uint8_t* public_key;  // 32 bytes
  const std::uint8_t* signature;   // 64 bytes: R, S
  const std::uint8_t* message;
  std::size_t message_bytes;
};

// Bit i is signature i. One that is `undecided` was not judged, and must be by other means.
struct Verdicts {
  std::uint8_t valid;
  std::uint8_t undecided;
};

// Any thread. All eight are read, also those whose verdict is not asked for.
using Kernel = Verdicts (*)(const Triple (&triples)[kSignatures]);

// In plain C++: far slower than libsodium, for tests.
Verdicts verify_portable(const Triple (&triples)[kSignatures]);

// Only where avx512_is_there(): the processor and the system have AVX-512 F, BW, CD and DQ.
Verdicts verify_avx512(const Triple (&triples)[kSignatures]);
bool avx512_is_there();

// Only where avx512ifma_is_there(): and IFMA, too.
Verdicts verify_avx512ifma(const Triple (&triples)[kSignatures]);
bool avx512ifma_is_there();

}  // namespace txindex::verify::ed25519
