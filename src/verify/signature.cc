#include "verify/signature.h"

#include <sodium.h>

#include <array>
#include <cstdlib>

#include "log/log.h"

namespace txindex::verify {
namespace {

constexpr std::size_t kKeyBytes = crypto_sign_PUBLICKEYBYTES;
constexpr std::size_t kSignatureBytes = crypto_sign_BYTES;

// libsodium 1.0.18's verification is cofactorless, demands a canonical S and a canonical A, and
// rejects A and R of small order: Solana's verify_strict. Other releases may differ, which is why
// initialise() asks it about the cases in which they would.
bool ed25519_strict(Bytes message, const chain::SignatureCheck& check) {
  if (check.public_key.size() != kKeyBytes || check.signature.size() != kSignatureBytes) {
    return false;
  }
  return crypto_sign_verify_detached(check.signature.data(), message.data(), message.size(),
                                     check.public_key.data()) == 0;
}

// A signature by the key of RFC 8032, section 7.1, test 2, of the one byte 0x72.
constexpr std::array<std::uint8_t, kKeyBytes> kKey = {
    0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a, 0xa7, 0x4d, 0x1b, 0x7e, 0xbc,
    0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c};
constexpr std::array<std::uint8_t, kSignatureBytes> kSignature = {
    0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82, 0x0b, 0x5f, 0x64, 0x25, 0x40,
    0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50, 0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda,
    0x08, 0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13, 0xd0, 0xf1, 0x1d, 0x8c,
    0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a, 0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00};
constexpr std::uint8_t kMessage[] = {0x72};
// The order of the base point: S + L is the same scalar, written non-canonically.
constexpr std::array<std::uint8_t, 32> kOrder = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

[[noreturn]] void wrong(const char* what) {
  log::critical("verify: this build of libsodium {}: it must not be used; install 1.0.18", what);
  std::abort();
}

}  // namespace

bool all_valid(chain::SignatureRule rule, Bytes message,
               std::span<const chain::SignatureCheck> signatures) {
  if (signatures.empty()) return false;
  switch (rule) {
    case chain::SignatureRule::ed25519_strict:
      for (const auto& check : signatures) {
        if (!ed25519_strict(message, check)) return false;
      }
      return true;
  }
  return false;
}

void initialise() {
  if (sodium_init() < 0) wrong("does not start");
  const chain::SignatureCheck good{kKey, kSignature};
  if (!ed25519_strict(kMessage, good)) wrong("refuses a good signature");

  auto flipped = kSignature;
  flipped[5] ^= 0x10;
  if (ed25519_strict(kMessage, {kKey, flipped})) wrong("accepts a bad signature");

  auto malleable = kSignature;
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += static_cast<unsigned>(malleable[32 + i]) + kOrder[i];
    malleable[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  if (ed25519_strict(kMessage, {kKey, malleable})) wrong("accepts S that is not canonical");

  // A = R = the neutral element, S = 0 satisfies the equation for every message.
  std::array<std::uint8_t, kKeyBytes> neutral = {1};
  std::array<std::uint8_t, kSignatureBytes> zero = {1};
  if (ed25519_strict(kMessage, {neutral, zero})) wrong("accepts a key of small order");
}

}  // namespace txindex::verify
