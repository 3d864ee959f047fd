// Signatures made from any secret scalars and any points, which crypto_sign does not do: those that
// are valid though few would sign like this, and those that only just are not. By libsodium's
// arithmetic. Points that are not of the curve end the program.
#pragma once

#include <sodium.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "support/ed25519_vectors.h"
#include "support/keys.h"
#include "support/random.h"

namespace txindex::test {

struct SignatureCase {
  std::vector<std::uint8_t> key;
  std::vector<std::uint8_t> signature;
  std::vector<std::uint8_t> message;
};

// Of the base point.
inline constexpr const char* kGroupOrder =
    "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

inline bool sodium_accepts(const SignatureCase& one) {
  return crypto_sign_verify_detached(one.signature.data(), one.message.data(), one.message.size(),
                                     one.key.data()) == 0;
}

inline std::vector<std::uint8_t> random_scalar(Random& random) {
  std::vector<std::uint8_t> scalar(32);
  crypto_core_ed25519_scalar_reduce(scalar.data(), random.bytes(64).data());
  return scalar;
}

// scalar B.
inline std::vector<std::uint8_t> times_base(const std::vector<std::uint8_t>& scalar) {
  std::vector<std::uint8_t> point(32);
  // It fails where the product is neutral.
  if (crypto_scalarmult_ed25519_base_noclamp(point.data(), scalar.data()) != 0) point = {1};
  point.resize(32);
  return point;
}

inline std::vector<std::uint8_t> sum(const std::vector<std::uint8_t>& p,
                                     const std::vector<std::uint8_t>& q) {
  std::vector<std::uint8_t> result(32);
  if (crypto_core_ed25519_add(result.data(), p.data(), q.data()) != 0) std::abort();
  return result;
}

// i T for a point T of order 8.
inline std::vector<std::vector<std::uint8_t>> torsion() {
  std::vector<std::vector<std::uint8_t>> points = {from_hex(kSmallOrder[0])};
  for (int i = 1; i < 8; ++i)
    points.push_back(sum(points.back(), from_hex(kSmallOrder[4])));
  return points;
}

// SHA-512 of R, A, M modulo the order.
inline std::vector<std::uint8_t> signature_hash(const std::vector<std::uint8_t>& commitment,
                                                const std::vector<std::uint8_t>& key,
                                                const std::vector<std::uint8_t>& message) {
  crypto_hash_sha512_state state;
  crypto_hash_sha512_init(&state);
  for (const auto* part : {&commitment, &key, &message})
    crypto_hash_sha512_update(&state, part->data(), part->size());
  std::uint8_t digest[64];
  crypto_hash_sha512_final(&state, digest);
  std::vector<std::uint8_t> scalar(32);
  crypto_core_ed25519_scalar_reduce(scalar.data(), digest);
  return scalar;
}

// R, and S = r + h a.
inline std::vector<std::uint8_t> signature_of(const std::vector<std::uint8_t>& a,
                                              const std::vector<std::uint8_t>& r,
                                              const std::vector<std::uint8_t>& commitment,
                                              const std::vector<std::uint8_t>& h) {
  std::vector<std::uint8_t> signature = commitment;
  signature.resize(64);
  std::uint8_t* const s = signature.data() + 32;
  crypto_core_ed25519_scalar_mul(s, h.data(), a.data());
  crypto_core_ed25519_scalar_add(s, s, r.data());
  return signature;
}

// It satisfies the equation if the key is a B and the commitment r B.
inline SignatureCase sign(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& key,
                          const std::vector<std::uint8_t>& r,
                          const std::vector<std::uint8_t>& commitment,
                          const std::vector<std::uint8_t>& message) {
  return {key, signature_of(a, r, commitment, signature_hash(commitment, key, message)), message};
}

// a + b, of 256 bits.
inline std::vector<std::uint8_t> add(std::vector<std::uint8_t> a,
                                     const std::vector<std::uint8_t>& b) {
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += static_cast<unsigned>(a[i]) + b[i];
    a[i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  return a;
}

}  // namespace txindex::test
