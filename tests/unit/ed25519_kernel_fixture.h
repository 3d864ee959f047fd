// The verdicts of every kernel that this machine can run are libsodium's, whatever stands beside a
// signature in the other lanes.
#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <vector>

#include "support/ed25519_signing.h"
#include "support/random.h"
#include "verify/ed25519/kernel.h"

namespace txindex::verify::ed25519 {
using Value = std::vector<std::uint8_t>;

using Case = test::SignatureCase;

struct NamedKernel {
  const char* name;
  Kernel verify;
};
inline void PrintTo(const NamedKernel& kernel, std::ostream* out) {
  *out << kernel.name;
}

inline std::vector<NamedKernel> kernels() {
  std::vector<NamedKernel> result = {{"portable", verify_portable}};
  if (avx512_is_there()) result.push_back({"avx512", verify_avx512});
  if (avx512ifma_is_there()) result.push_back({"avx512ifma", verify_avx512ifma});
  return result;
}

inline std::string hex(const Value& bytes) {
  std::string text(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  return text.substr(0, 2 * bytes.size());
}

struct Counts {
  std::size_t valid = 0;
  std::size_t invalid = 0;
};

class KernelTest : public testing::TestWithParam<NamedKernel> {
 protected:
  static void SetUpTestSuite() { ASSERT_GE(sodium_init(), 0); }

  // Eight at a time in the order given, the first ones again behind the last.
  Counts judge(const std::vector<Case>& cases) {
    Counts counts;
    for (std::size_t begin = 0; begin < cases.size(); begin += kSignatures) {
      Triple triples[kSignatures];
      unsigned want = 0;
      for (std::size_t lane = 0; lane < kSignatures; ++lane) {
        const Case& one = cases[(begin + lane) % cases.size()];
        triples[lane] = {one.key.data(), one.signature.data(), one.message.data(),
                         one.message.size()};
        const bool valid = test::sodium_accepts(one);
        want |= static_cast<unsigned>(valid) << lane;
        if (begin + lane < cases.size()) ++(valid ? counts.valid : counts.invalid);
      }
      const Verdicts verdicts = GetParam().verify(triples);
      EXPECT_EQ(verdicts.undecided, 0U);
      if (verdicts.valid == want) continue;
      for (std::size_t lane = 0; lane < kSignatures; ++lane) {
        const Case& one = cases[(begin + lane) % cases.size()];
        EXPECT_EQ(verdicts.valid >> lane & 1, want >> lane & 1)
            << "lane " << lane << " key " << hex(one.key) << " signature " << hex(one.signature)
            << " message " << hex(one.message);
      }
    }
    return counts;
  }
  // The same with whatever beside whatever.
  Counts judge_mixed(test::Random& random, std::vector<Case> cases) {
    std::shuffle(cases.begin(), cases.end(), random.engine());
    return judge(cases);
  }
};

inline Case signed_case(test::Random& random, std::size_t message_bytes) {
  std::uint8_t secret[crypto_sign_SECRETKEYBYTES];
  Case one{Value(32), Value(64), random.bytes(message_bytes)};
  crypto_sign_seed_keypair(one.key.data(), secret, random.bytes(32).data());
  crypto_sign_detached(one.signature.data(), nullptr, one.message.data(), one.message.size(),
                       secret);
  return one;
}

}  // namespace txindex::verify::ed25519
