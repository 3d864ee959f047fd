// SHA-512 of eight messages side by side against libsodium.
#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <vector>

#include "support/random.h"
#include "verify/ed25519/lanes_portable.h"
#include "verify/ed25519/verify_lanes.h"

namespace txindex::verify::ed25519 {
namespace {

using Bytes = std::vector<std::uint8_t>;

// R and A of their own for each lane, and a message of the given length.
void expect_hashes(test::Random& random, const std::array<std::size_t, kSignatures>& lengths) {
  Bytes heads[kSignatures];
  Bytes messages[kSignatures];
  Triple triples[kSignatures];
  for (std::size_t i = 0; i < kSignatures; ++i) {
    heads[i] = random.bytes(96);  // A, R, S
    messages[i] = random.bytes(lengths[i]);
    triples[i] = {heads[i].data(), heads[i].data() + 32, messages[i].data(), lengths[i]};
  }
  std::uint64_t hash[8][kSignatures];
  hash_all<PortableLanes>(hash, triples);
  for (std::size_t i = 0; i < kSignatures; ++i) {
    Bytes all(heads[i].begin() + 32, heads[i].begin() + 64);
    all.insert(all.end(), heads[i].begin(), heads[i].begin() + 32);
    all.insert(all.end(), messages[i].begin(), messages[i].end());
    std::uint8_t want[64];
    crypto_hash_sha512(want, all.data(), all.size());
    for (std::size_t w = 0; w < 8; ++w) {
      std::uint64_t word;
      std::memcpy(&word, want + 8 * w, 8);
      ASSERT_EQ(hash[w][i], word) << "word " << w << " of lane " << i << ", length " << lengths[i];
    }
  }
}

TEST(Ed25519Sha512, EveryLengthBesideOthers) {
  test::Random random;
  // Every length to 400 in some lane, beside any others; all lanes have their turn with each block.
  std::vector<std::size_t> lengths(408);
  std::iota(lengths.begin(), lengths.end(), std::size_t{0});
  for (int round = 0; round < 4; ++round) {
    std::shuffle(lengths.begin(), lengths.end(), random.engine());
    for (std::size_t begin = 0; begin < lengths.size(); begin += kSignatures) {
      std::array<std::size_t, kSignatures> eight;
      std::copy_n(lengths.begin() + static_cast<std::ptrdiff_t>(begin), kSignatures, eight.begin());
      ASSERT_NO_FATAL_FAILURE(expect_hashes(random, eight));
    }
  }
}

TEST(Ed25519Sha512, EqualLengths) {
  test::Random random;
  for (const std::size_t length : {0U, 46U, 47U, 48U, 63U, 64U, 65U, 175U, 176U, 1232U}) {
    std::array<std::size_t, kSignatures> eight;
    eight.fill(length);
    ASSERT_NO_FATAL_FAILURE(expect_hashes(random, eight));
  }
}

TEST(Ed25519Sha512, ALongMessageInEachLaneBesideShortOnes) {
  test::Random random;
  for (std::size_t lane = 0; lane < kSignatures; ++lane) {
    std::array<std::size_t, kSignatures> eight;
    for (auto& length : eight)
      length = random.below(200);
    eight[lane] = 65'536 + random.below(1'000);
    eight[(lane + 3) % kSignatures] = 0;
    ASSERT_NO_FATAL_FAILURE(expect_hashes(random, eight));
  }
}

}  // namespace
}  // namespace txindex::verify::ed25519
