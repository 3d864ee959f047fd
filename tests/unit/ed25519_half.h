// The split of one scalar, as a kernel in plain code makes it of eight.
#pragma once

#include "verify/ed25519/half.h"
#include "verify/ed25519/lanes_portable.h"

namespace txindex::verify::ed25519 {

inline HalfPair half(const Scalar& h) {
  Scalar all[kSignatures];
  for (auto& one : all)
    one = h;
  HalfPair pairs[kSignatures];
  half_all<PortableLanes>(pairs, all);
  return pairs[kSignatures / 2];
}

}  // namespace txindex::verify::ed25519
