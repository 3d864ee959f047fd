// Signatures of every kind (support/ed25519_cases.h), up to seventeen side by side: every kernel
// that this machine can run judges each as libsodium does.
#include <sodium.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "fuzz/target.h"
#include "support/ed25519_cases.h"
#include "verify/backend.h"

namespace {

using namespace txindex;
using test::SignatureCase;
using verify::ed25519::Kernel;
using verify::ed25519::Triple;

constexpr std::size_t kCasesMax = 17;  // two vectors, and one that is alone
constexpr unsigned kPlainCodeOneIn = 32;
constexpr std::uint64_t kSeedOfKeys = 1;

// Zeros when there are no more.
class InputChoices final : public test::Choices {
 public:
  explicit InputChoices(Bytes input) : rest_(input) {}
  std::size_t below(std::size_t bound) override {
    std::uint8_t bytes[2] = {};
    fill(std::span(bytes).first(bound > 256 ? 2 : 1));
    return (bytes[0] | std::size_t{bytes[1]} << 8) % bound;
  }
  void fill(std::span<std::uint8_t> bytes) override {
    const std::size_t count = std::min(bytes.size(), rest_.size());
    std::ranges::fill(std::ranges::copy(rest_.first(count), bytes.begin()).out, bytes.end(), 0);
    rest_ = rest_.subspan(count);
  }

 private:
  Bytes rest_;
};

// As the input has it.
SignatureCase raw(InputChoices& choices) {
  SignatureCase one{std::vector<std::uint8_t>(32), std::vector<std::uint8_t>(64),
                    std::vector<std::uint8_t>(choices.below(300))};
  for (auto* part : {&one.key, &one.signature, &one.message})
    choices.fill(*part);
  return one;
}

std::string hex(Bytes bytes) {
  std::string text(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

void require_verdicts(const char* name, Kernel kernel, std::span<const Triple> triples,
                      const std::vector<std::uint8_t>& expected) {
  std::vector<std::uint8_t> valid(triples.size(), 2);
  verify::judge_with(kernel, triples, valid);
  for (std::size_t i = 0; i < triples.size(); ++i) {
    if (valid[i] == expected[i]) continue;
    const Triple& one = triples[i];
    std::fprintf(stderr,
                 "%s: %d instead of %d, number %zu of %zu: key %s signature %s message %s\n", name,
                 valid[i], expected[i], i, triples.size(), hex({one.public_key, 32}).c_str(),
                 hex({one.signature, 64}).c_str(), hex({one.message, one.message_bytes}).c_str());
  }
  fuzz::require(valid == expected, "a kernel judges as libsodium does");
}

}  // namespace

// The first byte says how many. Of one input in 32 the first eight are judged in plain C++, too,
// which takes long with sanitizers: by the sum of all bytes, lest the fuzzer have a taste for it.
TXINDEX_FUZZ_TARGET(verify) {
  static const bool ready = sodium_init() >= 0;
  fuzz::require(ready, "libsodium starts");
  static test::SeededChoices chosen_keys(kSeedOfKeys);
  static const test::CaseMaker from_the_start(chosen_keys);
  test::CaseMaker maker = from_the_start;

  InputChoices choices(input);
  const std::size_t count = 1 + choices.below(256) % kCasesMax;
  std::vector<SignatureCase> cases;
  std::vector<Triple> triples;
  for (std::size_t i = 0; i < count; ++i)
    cases.push_back(choices.below(16) == 15 ? raw(choices) : maker.make(choices).parts);
  triples.reserve(cases.size());
  for (const auto& one : cases)
    triples.push_back(
        {one.key.data(), one.signature.data(), one.message.data(), one.message.size()});

  std::vector<std::uint8_t> expected(triples.size());
  verify::judge_with(nullptr, triples, expected);
  const bool has_avx512 = verify::ed25519::avx512_is_there();
  if (has_avx512) require_verdicts("avx512", verify::ed25519::verify_avx512, triples, expected);
  if (verify::ed25519::avx512ifma_is_there())
    require_verdicts("avx512ifma", verify::ed25519::verify_avx512ifma, triples, expected);
  const unsigned sum = std::accumulate(input.begin(), input.end(), 0U);
  if (!has_avx512 || sum % kPlainCodeOneIn == 0) {
    const std::size_t some = std::min<std::size_t>(count, verify::ed25519::kSignatures);
    expected.resize(some);
    require_verdicts("portable", verify::ed25519::verify_portable, std::span(triples).first(some),
                     expected);
  }
}
