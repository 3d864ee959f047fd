// As kernel_avx512ifma.cc, compiled for AVX-512 F, BW, CD and DQ only.
#include "verify/ed25519/lanes_avx512.h"
#include "verify/ed25519/verify_lanes.h"

namespace txindex::verify::ed25519 {

Verdicts verify_avx512(const Triple (&triples)[kSignatures]) {
  return verify_lanes<Avx512Lanes>(triples, base_tables());
}

}  // namespace txindex::verify::ed25519
