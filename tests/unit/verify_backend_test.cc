#include <gtest/gtest.h>
#include <sodium.h>

#include <string>
#include <utility>
#include <vector>

#include "support/ifma_emulation.h"
#include "verify/backend.h"
#include "verify/self_test.h"

namespace txindex::verify {
namespace {

using ed25519::kSignatures;
using ed25519::Triple;
using ed25519::Verdicts;

Verdicts believes_all(const Triple (&)[kSignatures]) {
  return {.valid = 0xff, .undecided = 0};
}

Verdicts judges_nothing(const Triple (&)[kSignatures]) {
  return {.valid = 0xff, .undecided = 0xff};
}

Verdicts mistakes_a_lane(const Triple (&triples)[kSignatures]) {
  auto verdicts = ed25519::verify_portable(triples);
  verdicts.valid &= 0xef;
  return verdicts;
}

class VerifyBackendTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(start(VerifyBackend::libsodium)); }

  std::vector<std::uint8_t> expected() const {
    std::vector<std::uint8_t> valid(test_.triples().size());
    judge_with(nullptr, test_.triples(), valid);
    return valid;
  }

  const SelfTest test_;
};

TEST_F(VerifyBackendTest, TheSelfTestKnowsAKernelThatIsWrong) {
  EXPECT_TRUE(agrees_with_libsodium(ed25519::verify_portable));
  EXPECT_TRUE(agrees_with_libsodium(judges_nothing));
  EXPECT_FALSE(agrees_with_libsodium(believes_all));
  EXPECT_FALSE(agrees_with_libsodium(mistakes_a_lane));
}

TEST_F(VerifyBackendTest, TheSelfTestHasGoodAndBadOnesAndLibsodiumAgrees) {
  const auto valid = expected();
  std::size_t good = 0;
  for (std::size_t i = 0; i < valid.size(); ++i) {
    EXPECT_EQ(valid[i] != 0, test_.is_valid(i)) << test_.what(i);
    good += valid[i];
  }
  EXPECT_GT(good, 10U);
  EXPECT_LT(good, valid.size() - 10);
}

TEST_F(VerifyBackendTest, AnyNumberIsJudgedEachByItself) {
  const auto all = expected();
  for (const auto kernel : {ed25519::verify_portable, judges_nothing}) {
    for (std::size_t count = 0; count <= 17; ++count) {
      std::vector<std::uint8_t> valid(count, 2);
      judge_with(kernel, test_.triples().subspan(3, count), valid);
      EXPECT_EQ(valid, std::vector(all.begin() + 3, all.begin() + 3 + static_cast<long>(count)));
    }
  }
}

TEST_F(VerifyBackendTest, WhatCannotRunHereIsRefusedByNameAndTheFastestIsFound) {
  auto fastest = VerifyBackend::libsodium;
  for (const auto& [wanted, there] :
       {std::pair(VerifyBackend::avx512, ed25519::avx512_is_there()),
        std::pair(VerifyBackend::avx512ifma, ed25519::avx512ifma_is_there())}) {
    const auto demanded = start(wanted);
    EXPECT_EQ(static_cast<bool>(demanded), there);
    if (there) {
      fastest = wanted;
    } else {
      EXPECT_EQ(backend(), VerifyBackend::libsodium);
      EXPECT_NE(demanded.error().message.find(std::string(name(wanted)) + " cannot run here"),
                std::string::npos);
    }
  }
  const auto found = start(VerifyBackend::automatic);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, fastest);
  EXPECT_EQ(backend(), fastest);
}

// Where the processor has the instructions, other tests run the kernel, and more of it.
TEST_F(VerifyBackendTest, TheCompiledKernelJudgesAlikeWithItsInstructionsEmulated) {
  if (ed25519::avx512ifma_is_there()) GTEST_SKIP() << "this processor has AVX-512 IFMA";
  if (!test::IfmaEmulation::is_possible()) GTEST_SKIP() << "this processor has no AVX-512";
  const auto triples = test_.triples().subspan(0, 2 * kSignatures);
  std::vector<std::uint8_t> valid(triples.size());
  const test::IfmaEmulation emulation;
  judge_with(ed25519::verify_avx512ifma, triples, valid);
  EXPECT_GT(test::IfmaEmulation::done(), 100'000U);
  const auto all = expected();
  EXPECT_EQ(valid, std::vector(all.begin(), all.begin() + 2 * kSignatures));
}

}  // namespace
}  // namespace txindex::verify
