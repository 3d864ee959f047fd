// Compiled for AVX-512, as the kernel is.
#include "stage_bench/hashing_avx512.h"

#include "verify/ed25519/lanes_avx512.h"
#include "verify/ed25519/verify_lanes.h"

namespace txindex::bench {

using namespace verify::ed25519;

void hash_by_avx512(std::uint64_t (&hash)[8][kSignatures], const Triple* eight) {
  Triple triples[kSignatures];
  for (int i = 0; i < kSignatures; ++i)
    triples[i] = eight[i];
  hash_all<Avx512Lanes>(hash, triples);
}

}  // namespace txindex::bench
