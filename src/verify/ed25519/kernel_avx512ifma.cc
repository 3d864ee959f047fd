// Compiled for AVX-512 F, BW, CD, DQ and IFMA (CMakeLists.txt). Everything here but one function is
// this file's own, so that the linker takes nothing of it for the rest of the program.
#include "verify/ed25519/lanes_avx512.h"
#include "verify/ed25519/verify_lanes.h"

namespace txindex::verify::ed25519 {

Verdicts verify_avx512ifma(const Triple (&triples)[kSignatures]) {
  return verify_lanes<Avx512Lanes>(triples, base_tables());
}

}  // namespace txindex::verify::ed25519
