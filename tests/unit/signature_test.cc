// The rule of Solana's signatures: what verify_strict of ed25519-dalek accepts, and nothing else.
#include "verify/signature.h"

#include <gtest/gtest.h>

#include <array>

#include "support/keys.h"

namespace txindex::verify {
namespace {

using chain::SignatureRule;
using test::from_hex;
using test::Key;
using Value = std::vector<std::uint8_t>;

bool valid(const Value& key, const Value& message, const Value& signature) {
  const chain::SignatureCheck check{key, signature};
  return all_valid(SignatureRule::ed25519_strict, message, {&check, 1});
}

class SignatureTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { initialise(); }
};

struct Rfc8032 {
  const char* key;
  const char* message;
  const char* signature;
};
// RFC 8032, section 7.1: TEST 1, 2, 3 and SHA(abc).
const Rfc8032 kRfc8032[] = {
    {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
    {"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fee"
     "b"
     "bd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e"
     "0"
     "303dca179c138ac17ad9bef1177331a704"},
};

TEST_F(SignatureTest, AcceptsTheVectorsOfRfc8032) {
  for (const auto& vector : kRfc8032) {
    EXPECT_TRUE(valid(from_hex(vector.key), from_hex(vector.message), from_hex(vector.signature)))
        << vector.signature;
  }
}

TEST_F(SignatureTest, RefusesEverySingleFlippedBit) {
  const Rfc8032& vector = kRfc8032[2];
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

// The eight points of small order, and the encodings of some of them with y not reduced.
const char* const kSmallOrder[] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

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
  EXPECT_FALSE(valid(Value(whole_key.begin(), whole_key.end() - 1), message, whole_signature));
  EXPECT_FALSE(
      valid(whole_key, message, Value(whole_signature.begin(), whole_signature.end() - 1)));
}

}  // namespace
}  // namespace txindex::verify
