// The rule of Solana's signatures: what verify_strict of ed25519-dalek accepts, and nothing else.
#include "verify/signature.h"

#include <gtest/gtest.h>

#include <array>

#include "support/ed25519_vectors.h"
#include "support/keys.h"
#include "verify/backend.h"

namespace txindex::verify {
namespace {

using chain::SignatureRule;
using test::from_hex;
using test::Key;
using test::kRfc8032;
using test::kSmallOrder;
using Value = std::vector<std::uint8_t>;

bool valid(const Value& key, const Value& message, const Value& signature) {
  const chain::SignatureCheck check{key, signature};
  return all_valid(SignatureRule::ed25519_strict, message, {&check, 1});
}

class SignatureTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(start(VerifyBackend::automatic)); }
};

TEST_F(SignatureTest, AcceptsTheVectorsOfRfc8032) {
  for (const auto& vector : kRfc8032) {
    EXPECT_TRUE(valid(from_hex(vector.key), from_hex(vector.message), from_hex(vector.signature)))
        << vector.signature;
  }
}

TEST_F(SignatureTest, RefusesEverySingleFlippedBit) {
  const auto& vector = kRfc8032[2];
  const Value good[] = {from_hex(vector.key), from_hex(vector.message), from_hex(vector.signature)};
  for (int part = 0; part < 3; ++part) {
    for (std::size_t bit = 0; bit < good[part].size() * 8; ++bit) {
      Value bad[] = {good[0], good[1], good[2]};
      bad[part][bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      EXPECT_FALSE(valid(bad[0], bad[1], bad[2])) << "part " << part << " bit " << bit;
    }
  }
}

TEST_F(SignatureTest, RefusesSPlusTheGroupOrder) {
  const Value order = from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  for (const auto& vector : kRfc8032) {
    Value signature = from_hex(vector.signature);
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      carry += static_cast<unsigned>(signature[32 + i]) + order[i];
      signature[32 + i] = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    EXPECT_FALSE(valid(from_hex(vector.key), from_hex(vector.message), signature));
  }
}

// With A and R of small order and S = 0 the equation S*B = R + k*A holds for about one message in
// eight, so a verifier without the check accepts some of these.
TEST_F(SignatureTest, RefusesKeysAndCommitmentsOfSmallOrderForEveryMessage) {
  for (const char* key : kSmallOrder) {
    for (const char* commitment : kSmallOrder) {
      Value signature = from_hex(commitment);
      signature.resize(64);
      for (std::uint8_t message = 0; message < 32; ++message) {
        EXPECT_FALSE(valid(from_hex(key), {message}, signature)) << key << " " << commitment;
      }
    }
  }
}

TEST_F(SignatureTest, EveryRequiredSignatureMustVerify) {
  const Value message = {1, 2, 3};
  const Key keys[] = {Key(1), Key(2), Key(3)};
  for (int wrong = -1; wrong < 3; ++wrong) {
    std::array<std::array<std::uint8_t, 64>, 3> signatures{};
    std::vector<chain::SignatureCheck> checks;
    for (int i = 0; i < 3; ++i) {
      const auto n = static_cast<std::size_t>(i);
      signatures[n] = keys[n].sign(message);
      if (i == wrong) signatures[n][40] ^= 1;
      checks.push_back({keys[n].public_key, signatures[n]});
    }
    EXPECT_EQ(all_valid(SignatureRule::ed25519_strict, message, checks), wrong == -1) << wrong;
  }
}

TEST_F(SignatureTest, NoSignatureAtAllIsNotValid) {
  EXPECT_FALSE(all_valid(SignatureRule::ed25519_strict, {}, {}));
}

TEST_F(SignatureTest, WrongLengthsAreNotValid) {
  const Value message = {1};
  const Key key(1);
  const auto signature = key.sign(message);
  const Value whole_key(key.public_key.begin(), key.public_key.end());
  const Value whole_signature(signature.begin(), signature.end());
  ASSERT_TRUE(valid(whole_key, message, whole_signature));
  const auto resized = [](Value bytes, std::size_t size) {
    bytes.resize(size);
    return bytes;
  };
  for (std::size_t size = 0; size <= 130; ++size) {
    EXPECT_EQ(valid(resized(whole_key, size), message, whole_signature), size == 32) << size;
    EXPECT_EQ(valid(whole_key, message, resized(whole_signature, size)), size == 64) << size;
  }
  // A wrong one among right ones.
  const Value short_one = resized(whole_signature, 63);
  const chain::SignatureCheck checks[] = {
      {whole_key, whole_signature}, {whole_key, short_one}, {whole_key, whole_signature}};
  EXPECT_FALSE(all_valid(SignatureRule::ed25519_strict, message, checks));
}

}  // namespace
}  // namespace txindex::verify
