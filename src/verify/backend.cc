#include "verify/backend.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "flow/test_switches.h"
#include "log/log.h"
#include "verify/self_test.h"

namespace txindex::verify {
namespace {

using ed25519::kSignatures;
using ed25519::Triple;

// A kernel takes about as long for eight as libsodium for one, whether all eight are asked for or
// not.
constexpr std::size_t kWorthAKernel = 2;

VerifyBackend chosen = VerifyBackend::libsodium;
ed25519::Kernel chosen_kernel = nullptr;

bool libsodium_accepts(const Triple& triple) {
  return crypto_sign_verify_detached(triple.signature, triple.message, triple.message_bytes,
                                     triple.public_key) == 0;
}

// libsodium 1.0.18's verification is cofactorless, demands a canonical S and a canonical A, and
// rejects A and R of small order: Solana's verify_strict. Other releases may differ.
void require_the_rule_of(const SelfTest& test) {
  for (std::size_t i = 0; i < test.triples().size(); ++i) {
    if (libsodium_accepts(test.triples()[i]) == test.is_valid(i)) continue;
    log::critical(
        "verify: this build of libsodium judges {} wrongly: it must not be used; install 1.0.18",
        test.what(i));
    std::abort();
  }
}

struct Candidate {
  VerifyBackend backend;
  ed25519::Kernel kernel;
  bool (*is_there)();
  std::string_view needs;
};

// The fastest first.
constexpr std::array<Candidate, 2> kCandidates = {{
    {VerifyBackend::avx512ifma, ed25519::verify_avx512ifma, ed25519::avx512ifma_is_there,
     "AVX-512 F, BW, CD, DQ and IFMA"},
    {VerifyBackend::avx512, ed25519::verify_avx512, ed25519::avx512_is_there,
     "AVX-512 F, BW, CD and DQ"},
}};

// Null if it cannot run here.
ed25519::Kernel kernel_of(const Candidate& candidate) {
  if (candidate.backend == VerifyBackend::avx512ifma && flow::kernel_in_plain_code())
    return ed25519::verify_portable;
  return candidate.is_there() ? candidate.kernel : nullptr;
}

}  // namespace

std::string_view name(VerifyBackend backend) {
  return kVerifyBackends[static_cast<std::size_t>(backend)];
}

std::size_t lanes(VerifyBackend backend) {
  return backend == VerifyBackend::libsodium ? 1 : ed25519::kSignatures;
}

VerifyBackend backend() {
  return chosen;
}

bool agrees_with_libsodium(ed25519::Kernel kernel) {
  const SelfTest test;
  const auto triples = test.triples();
  std::vector<std::uint8_t> expected(triples.size());
  judge_with(nullptr, triples, expected);
  // Each signature in each lane, with other neighbours.
  for (std::size_t begin = 0; begin < kSignatures; ++begin) {
    std::vector<std::uint8_t> valid(triples.size());
    judge_with(kernel, triples.subspan(0, begin), std::span(valid).subspan(0, begin));
    judge_with(kernel, triples.subspan(begin), std::span(valid).subspan(begin));
    if (valid != expected) return false;
  }
  return true;
}

result<VerifyBackend> start(VerifyBackend wanted) {
  if (sodium_init() < 0) {
    log::critical("verify: libsodium does not start");
    std::abort();
  }
  require_the_rule_of(SelfTest());
  chosen = VerifyBackend::libsodium;
  chosen_kernel = nullptr;
  if (wanted == VerifyBackend::libsodium) return chosen;
  for (const auto& candidate : kCandidates) {
    const bool demanded = wanted == candidate.backend;
    if (!demanded && wanted != VerifyBackend::automatic) continue;
    std::string problem;
    if (const auto kernel = kernel_of(candidate); kernel == nullptr) {
      problem = "cannot run here: this processor has not all of " + std::string(candidate.needs);
    } else if (agrees_with_libsodium(kernel)) {
      chosen_kernel = kernel;
      return chosen = candidate.backend;
    } else {
      problem =
          "does not judge the self-test as libsodium does: a defect of the program or the machine";
      if (!demanded) log::error("verify: {} {}; it is not used", name(candidate.backend), problem);
    }
    if (demanded) {
      return configuration_failure("verify.backend: " + std::string(name(candidate.backend)) + " " +
                                   problem + "; use auto or libsodium");
    }
  }
  return chosen;
}

void judge(std::span<const Triple> triples, std::span<std::uint8_t> valid) {
  judge_with(chosen_kernel, triples, valid);
}

void judge_with(ed25519::Kernel kernel, std::span<const Triple> triples,
                std::span<std::uint8_t> valid) {
  std::size_t at = 0;
  while (kernel != nullptr && triples.size() - at >= kWorthAKernel) {
    const std::size_t count = std::min<std::size_t>(kSignatures, triples.size() - at);
    Triple eight[kSignatures];
    for (std::size_t i = 0; i < kSignatures; ++i)
      eight[i] = triples[at + (i < count ? i : 0)];
    const auto verdicts = kernel(eight);
    for (std::size_t i = 0; i < count; ++i) {
      const bool is_undecided = (verdicts.undecided >> i & 1) != 0;
      const bool is_valid = (verdicts.valid >> i & 1) != 0;
      valid[at + i] = is_undecided ? libsodium_accepts(triples[at + i]) : is_valid;
    }
    at += count;
  }
  for (; at < triples.size(); ++at)
    valid[at] = libsodium_accepts(triples[at]);
}

}  // namespace txindex::verify
