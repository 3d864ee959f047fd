#include "verify/ed25519/kernel.h"

#include "verify/ed25519/lanes_portable.h"
#include "verify/ed25519/verify_lanes.h"

namespace txindex::verify::ed25519 {

Verdicts verify_portable(const Triple (&triples)[kSignatures]) {
  return verify_lanes<PortableLanes>(triples, base_tables());
}

#ifdef __x86_64__

// The compiler's function asks whether the system saves the registers, too.
bool avx512_is_there() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq");
}

bool avx512ifma_is_there() {
  return avx512_is_there() && __builtin_cpu_supports("avx512ifma");
}

#else

bool avx512_is_there() {
  return false;
}

bool avx512ifma_is_there() {
  return false;
}

Verdicts verify_avx512(const Triple (&)[kSignatures]) {
  return {.valid = 0, .undecided = 0xff};
}

Verdicts verify_avx512ifma(const Triple (&)[kSignatures]) {
  return {.valid = 0, .undecided = 0xff};
}
#endif

}  // namespace txindex::verify::ed25519
