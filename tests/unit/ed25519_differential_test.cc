// Many signatures of every kind (support/ed25519_cases.h), mixed, each judged by libsodium and by
// kernels: a few in every run of the tests, and as many as one has time for by hand:
//
//   TXINDEX_TEST_SIGNATURES=10000000 TXINDEX_TEST_KERNEL_NAME=avx512
//       unit_tests --gtest_filter='*LongDifferential*'
//
// On every processor that there is. Without TXINDEX_TEST_KERNEL_NAME, every kernel that this one
// can run is asked, also the one in plain C++, which is far slower than libsodium: name those that
// are meant, with commas between. avx512ifma can be named where only the rest of AVX-512 is there:
// then its instructions are emulated, at some two hundred signatures a second.
//
// Signatures come in blocks, each from a seed of its own, which begin at TXINDEX_TEST_SEED: where a
// verdict differs, that block is named, and is the first one of a run from its seed.
#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "support/ed25519_cases.h"
#include "support/ifma_emulation.h"
#include "unit/ed25519_kernel_fixture.h"

namespace txindex::verify::ed25519 {
namespace {

using namespace std::chrono_literals;
using test::CaseKind;
using test::kCaseKinds;
using test::Validity;

constexpr std::uint64_t kSignaturesByDefault = 800;
constexpr std::uint64_t kVectorsOfABlock = 512;

struct Tally {
  std::array<Counts, kCaseKinds> of{};
  std::size_t undecided = 0;  // of verdicts that a kernel left to libsodium

  void add(const Tally& other) {
    for (std::size_t i = 0; i < kCaseKinds; ++i) {
      of[i].valid += other.of[i].valid;
      of[i].invalid += other.of[i].invalid;
    }
    undecided += other.undecided;
  }
  Counts all() const {
    Counts sum;
    for (const Counts& counts : of) {
      sum.valid += counts.valid;
      sum.invalid += counts.invalid;
    }
    return sum;
  }
};

// What all threads work at.
class Differential {
 public:
  Differential(std::vector<NamedKernel> kernels, std::uint64_t seed, std::uint64_t vectors)
      : kernels_(std::move(kernels)), seed_(seed), vectors_(vectors) {}

  // With progress on standard output every few seconds. The problems; none if all verdicts agree.
  std::vector<std::string> run() {
    const auto begin = std::chrono::steady_clock::now();
    const std::size_t count = std::max(1U, std::thread::hardware_concurrency());
    working_ = count;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < count; ++i)
      threads.emplace_back([this] { work(); });
    std::unique_lock lock(mutex_);
    const auto seconds = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    while (!finished_.wait_for(lock, 10s, [&] { return working_ == 0; })) {
      const std::uint64_t done = judged_;
      std::printf("  %12llu signatures, %.0f a second\n", static_cast<unsigned long long>(done),
                  static_cast<double>(done) / seconds());
      std::fflush(stdout);
    }
    lock.unlock();
    for (auto& thread : threads)
      thread.join();
    seconds_ = seconds();
    return problems_;
  }
  const Tally& tally() const { return tally_; }
  double seconds() const { return seconds_; }

 private:
  void work() {
    Tally mine;
    while (!stop_) {
      const std::uint64_t block = next_block_++;
      if (block * kVectorsOfABlock >= vectors_) break;
      judge_block(block, std::min(kVectorsOfABlock, vectors_ - block * kVectorsOfABlock), mine);
    }
    const std::lock_guard lock(mutex_);
    tally_.add(mine);
    --working_;
    finished_.notify_one();
  }

  void judge_block(std::uint64_t block, std::uint64_t vectors, Tally& mine) {
    test::SeededChoices choices(seed_ + block);
    test::CaseMaker maker(choices);
    for (std::uint64_t vector = 0; vector < vectors && !stop_; ++vector) {
      std::array<test::MadeCase, kSignatures> cases;
      Triple triples[kSignatures];
      unsigned want = 0;
      for (std::size_t lane = 0; lane < kSignatures; ++lane) {
        cases[lane] = maker.make(choices);
        const auto& [key, signature, message] = cases[lane].parts;
        triples[lane] = {key.data(), signature.data(), message.data(), message.size()};
        const bool valid = sodium_accepts(cases[lane].parts);
        want |= static_cast<unsigned>(valid) << lane;
        Counts& counts = mine.of[static_cast<std::size_t>(cases[lane].kind)];
        ++(valid ? counts.valid : counts.invalid);
      }
      for (const auto& kernel : kernels_) {
        const Verdicts verdicts = kernel.verify(triples);
        mine.undecided += static_cast<std::size_t>(__builtin_popcount(verdicts.undecided));
        const unsigned wrong = (verdicts.valid ^ want) & ~unsigned{verdicts.undecided} & 0xff;
        for (std::size_t lane = 0; lane < kSignatures; ++lane) {
          if (wrong >> lane & 1) report(kernel, lane, want, block, vector, cases);
        }
      }
      judged_ += kSignatures;
    }
  }

  void report(const NamedKernel& kernel, std::size_t lane, unsigned want, std::uint64_t block,
              std::uint64_t vector, const std::array<test::MadeCase, kSignatures>& cases) {
    std::ostringstream text;
    text << kernel.name << " judges lane " << lane << " otherwise than libsodium, which says "
         << ((want >> lane & 1) != 0 ? "valid" : "invalid") << ". It is in vector " << vector
         << " of TXINDEX_TEST_SEED=" << seed_ + block << ". All eight:\n";
    for (const auto& [parts, kind] : cases)
      text << "  " << describe(kind).name << ": key " << hex(parts.key) << " signature "
           << hex(parts.signature) << " message " << hex(parts.message) << '\n';
    stop_ = true;
    const std::lock_guard lock(mutex_);
    problems_.push_back(text.str());
  }

  const std::vector<NamedKernel> kernels_;
  const std::uint64_t seed_;
  const std::uint64_t vectors_;
  std::atomic<std::uint64_t> next_block_ = 0;
  std::atomic<std::uint64_t> judged_ = 0;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::condition_variable finished_;
  std::size_t working_ = 0;
  Tally tally_;
  std::vector<std::string> problems_;
  double seconds_ = 0;
};

// Those that are named, or all that this processor can run.
std::vector<NamedKernel> chosen_kernels() {
  std::vector<NamedKernel> there = kernels();
  if (!avx512ifma_is_there() && test::IfmaEmulation::is_possible())
    there.push_back({"avx512ifma", verify_avx512ifma});
  const char* const names = std::getenv("TXINDEX_TEST_KERNEL_NAME");
  if (names == nullptr) return kernels();
  std::vector<NamedKernel> result;
  std::istringstream list(names);
  for (std::string name; std::getline(list, name, ',');) {
    const auto found = std::ranges::find_if(there, [&](const auto& k) { return k.name == name; });
    if (found == there.end()) {
      ADD_FAILURE() << "TXINDEX_TEST_KERNEL_NAME: there is no kernel '" << name
                    << "' that this processor can run; say portable, avx512 or avx512ifma";
      return {};
    }
    result.push_back(*found);
  }
  return result;
}

std::uint64_t number_of_signatures() {
  const char* const set = std::getenv("TXINDEX_TEST_SIGNATURES");
  return set != nullptr ? std::strtoull(set, nullptr, 10) : kSignaturesByDefault;
}

TEST(Ed25519LongDifferential, KernelsJudgeAsLibsodium) {
  ASSERT_GE(sodium_init(), 0);
  const auto kernels = chosen_kernels();
  ASSERT_FALSE(kernels.empty());
  const bool asks_for_ifma = std::ranges::any_of(
      kernels, [](const auto& kernel) { return kernel.verify == verify_avx512ifma; });
  std::optional<test::IfmaEmulation> emulation;
  if (asks_for_ifma && !avx512ifma_is_there()) emulation.emplace();

  const std::uint64_t vectors = (number_of_signatures() + kSignatures - 1) / kSignatures;
  ASSERT_GT(vectors, 0U) << "TXINDEX_TEST_SIGNATURES must be a number above 0";
  const std::uint64_t seed = test::fresh_seed();
  std::printf("  TXINDEX_TEST_SEED=%llu, kernels:", static_cast<unsigned long long>(seed));
  for (const auto& kernel : kernels)
    std::printf(" %s%s", kernel.name,
                emulation && kernel.verify == verify_avx512ifma ? " (emulated)" : "");
  std::printf("\n");

  Differential differential(kernels, seed, vectors);
  for (const auto& problem : differential.run())
    ADD_FAILURE() << problem;
  const Tally& tally = differential.tally();
  const Counts all = tally.all();
  if (!HasFailure()) {
    EXPECT_EQ(all.valid + all.invalid, vectors * kSignatures);
  }

  std::printf("  %-24s %12s %12s\n", "", "valid", "invalid");
  for (std::size_t i = 0; i < kCaseKinds; ++i) {
    const auto& kind = describe(static_cast<CaseKind>(i));
    const Counts& counts = tally.of[i];
    std::printf("  %-24s %12zu %12zu\n", std::string(kind.name).c_str(), counts.valid,
                counts.invalid);
    EXPECT_TRUE(kind.validity != Validity::always || counts.invalid == 0) << kind.name;
    EXPECT_TRUE(kind.validity != Validity::never || counts.valid == 0) << kind.name;
    // Of 800 signatures, none of a kind is missing but one time in 10^9.
    if (vectors * kSignatures >= kSignaturesByDefault && !HasFailure()) {
      EXPECT_GT(counts.valid + counts.invalid, 0U) << kind.name;
    }
  }
  std::printf("  %-24s %12zu %12zu\n", "all", all.valid, all.invalid);
  std::printf(
      "  %zu signatures in %.1f s, %.0f a second, each judged by libsodium and %zu kernel(s);"
      " %zu verdicts left to libsodium\n",
      all.valid + all.invalid, differential.seconds(),
      static_cast<double>(all.valid + all.invalid) / differential.seconds(), kernels.size(),
      tally.undecided);
}

}  // namespace
}  // namespace txindex::verify::ed25519
