#include "verify/self_test.h"

#include <sodium.h>

namespace txindex::verify {
namespace {

// The order of the base point: S + L is the same scalar, written non-canonically.
constexpr std::array<std::uint8_t, 32> kOrder = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

// A point of order 8.
constexpr std::array<std::uint8_t, 32> kOfOrder8 = {
    0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
    0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05};

constexpr int kKeys = 24;

}  // namespace

SelfTest::SelfTest() {
  for (int i = 0; i < kKeys; ++i) {
    Case good{};
    std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed{};
    seed[0] = static_cast<std::uint8_t>(i + 1);
    std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret;
    crypto_sign_seed_keypair(good.key.data(), secret.data(), seed.data());
    // From nothing to more than a block of SHA-512 holds.
    good.message.resize(static_cast<std::size_t>(i) * static_cast<std::size_t>(i));
    for (std::size_t k = 0; k < good.message.size(); ++k)
      good.message[k] = static_cast<std::uint8_t>(k * 7 + static_cast<std::size_t>(i));
    crypto_sign_detached(good.signature.data(), nullptr, good.message.data(), good.message.size(),
                         secret.data());
    good.valid = true;
    good.what = "a good signature";
    cases_.push_back(good);

    Case bad = good;
    bad.valid = false;
    const auto at = static_cast<std::size_t>(i);
    const auto bit = static_cast<std::uint8_t>(1U << (i % 8));
    bad.what = "a wrong R";
    bad.signature[at] ^= bit;
    cases_.push_back(bad);
    bad.what = "a wrong S";
    bad.signature = good.signature;
    bad.signature[32 + at] ^= bit;
    cases_.push_back(bad);
    bad.what = "a wrong key";
    bad.signature = good.signature;
    bad.key[at] ^= bit;
    cases_.push_back(bad);
    bad.what = "a wrong message";
    bad.key = good.key;
    bad.message.push_back(bit);
    cases_.push_back(bad);
    bad.what = "S that is not canonical";
    bad.message = good.message;
    unsigned carry = 0;
    for (std::size_t k = 0; k < kOrder.size(); ++k) {
      carry += static_cast<unsigned>(good.signature[32 + k]) + kOrder[k];
      bad.signature[32 + k] = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    cases_.push_back(bad);
  }
  // A and R neutral and S zero satisfy the equation whatever is signed.
  Case small{};
  small.key[0] = small.signature[0] = 1;
  small.what = "a key of small order";
  cases_.push_back(small);
  small.key = kOfOrder8;
  cases_.push_back(small);
  small.key = cases_.front().key;
  small.what = "an R of small order";
  cases_.push_back(small);
  for (const auto& one : cases_)
    triples_.push_back(
        {one.key.data(), one.signature.data(), one.message.data(), one.message.size()});
}

}  // namespace txindex::verify
