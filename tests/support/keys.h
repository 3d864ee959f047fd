// Ed25519 keys and signatures for tests, by libsodium.
#pragma once

#include <sodium.h>

#include <array>
#include <cstdint>
#include <vector>

#include "txindex/bytes.h"

namespace txindex::test {

struct Key {
  explicit Key(std::uint8_t seed) {
    std::array<std::uint8_t, crypto_sign_SEEDBYTES> bytes{seed};
    crypto_sign_seed_keypair(public_key.data(), secret_key.data(), bytes.data());
  }
  std::array<std::uint8_t, 64> sign(Bytes message) const {
    std::array<std::uint8_t, 64> signature{};
    crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(),
                         secret_key.data());
    return signature;
  }
  std::array<std::uint8_t, 32> public_key{};
  std::array<std::uint8_t, 64> secret_key{};
};

// "0aff" to bytes; test data only, so anything else is a bug of the test.
inline std::vector<std::uint8_t> from_hex(std::string_view text) {
  if (text.empty()) return {};
  std::vector<std::uint8_t> out(text.size() / 2);
  std::size_t written = 0;
  sodium_hex2bin(out.data(), out.size(), text.data(), text.size(), nullptr, &written, nullptr);
  out.resize(written);
  return out;
}

}  // namespace txindex::test
