// What verifies Ed25519 signatures.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace txindex {

enum class VerifyBackend : std::uint8_t {
  automatic,  // the fastest that is there
  libsodium,
  avx512,      // eight signatures at a time, on processors with AVX-512 F, BW, CD and DQ
  avx512ifma,  // the same faster, on those that have IFMA as well
};

inline constexpr std::array<std::string_view, 4> kVerifyBackends = {"auto", "libsodium", "avx512",
                                                                    "avx512ifma"};

}  // namespace txindex
