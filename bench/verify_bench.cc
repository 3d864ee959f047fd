// Microseconds for each Ed25519 signature: what verify.backend can choose on this machine, and
// OpenSSL, for batches and messages of several sizes. verify_table.py runs it and makes a table.
//
// Each batch goes on where the last one ended, in a ring of signatures that no L2 cache holds, each
// by a key and of a message of its own; all of them are good.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "verify/backend.h"

namespace {

using namespace txindex;
using verify::ed25519::Kernel;
using verify::ed25519::Triple;

constexpr std::size_t kRing = 8192;  // of 200 bytes with key and signature: 2.4 MB
constexpr std::array<std::size_t, 3> kMessageBytes = {200, 500, 1200};
constexpr std::array<std::size_t, 4> kBatches = {1, 8, 64, 1024};
static_assert(kRing % kBatches.back() == 0, "no batch crosses the end of the ring");

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "verify_bench: %s\n", why.c_str());
  std::exit(1);
}

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

struct Key {
  std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> bytes;
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret;
  std::unique_ptr<EVP_PKEY, FreeKey> of_openssl;
};

std::vector<Key> make_keys() {
  std::vector<Key> keys(kRing);
  for (std::size_t i = 0; i < kRing; ++i) {
    std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed{};
    seed[0] = static_cast<std::uint8_t>(i);
    seed[1] = static_cast<std::uint8_t>(i >> 8);
    auto& key = keys[i];
    crypto_sign_seed_keypair(key.bytes.data(), key.secret.data(), seed.data());
    key.of_openssl.reset(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.bytes.data(), key.bytes.size()));
    if (!key.of_openssl) give_up("OpenSSL does not take a key");
  }
  return keys;
}

// A good signature by each key, of messages of one size.
struct Ring {
  Ring(const std::vector<Key>& by, std::size_t message_bytes)
      : keys(&by), messages(kRing * message_bytes), signatures(kRing * crypto_sign_BYTES) {
    std::array<std::uint8_t, randombytes_SEEDBYTES> seed{};
    randombytes_buf_deterministic(messages.data(), messages.size(), seed.data());
    for (std::size_t i = 0; i < kRing; ++i) {
      const std::uint8_t* message = messages.data() + i * message_bytes;
      std::uint8_t* signature = signatures.data() + i * crypto_sign_BYTES;
      crypto_sign_detached(signature, nullptr, message, message_bytes, by[i].secret.data());
      triples.push_back({by[i].bytes.data(), signature, message, message_bytes});
    }
  }

  const std::vector<Key>* keys;
  std::vector<std::uint8_t> messages;
  std::vector<std::uint8_t> signatures;
  std::vector<Triple> triples;
};

// Judges the signatures of the ring from `begin`, as many as there is room for the verdicts of.
using Judge =
    std::function<void(const Ring& ring, std::size_t begin, std::span<std::uint8_t> valid)>;

Judge judge_by(Kernel kernel) {
  return [kernel](const Ring& ring, std::size_t begin, std::span<std::uint8_t> valid) {
    verify::judge_with(kernel, std::span(ring.triples).subspan(begin, valid.size()), valid);
  };
}

// The key's own object is there beforehand; a context has to be told of it for each signature.
void judge_by_openssl(const Ring& ring, std::size_t begin, std::span<std::uint8_t> valid) {
  static const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  for (std::size_t i = 0; i < valid.size(); ++i) {
    const Triple& triple = ring.triples[begin + i];
    EVP_PKEY* key = (*ring.keys)[begin + i].of_openssl.get();
    EVP_MD_CTX_reset(context.get());
    valid[i] = EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
               EVP_DigestVerify(context.get(), triple.signature, crypto_sign_BYTES, triple.message,
                                triple.message_bytes) == 1;
  }
}

struct Backend {
  std::string name;
  Judge judge;
};

// Those that can run here.
std::vector<Backend> backends() {
  std::vector<Backend> found = {{"libsodium", judge_by(nullptr)}};
  if (verify::ed25519::avx512_is_there())
    found.push_back({"avx512", judge_by(verify::ed25519::verify_avx512)});
  if (verify::ed25519::avx512ifma_is_there())
    found.push_back({"avx512ifma", judge_by(verify::ed25519::verify_avx512ifma)});
  found.push_back({"OpenSSL", judge_by_openssl});
  return found;
}

// So that nothing is measured that does not verify: each says no to what is bad, and only to that.
void require_right_verdicts(const Backend& backend, Ring& ring) {
  constexpr std::size_t kBad = 11;
  ring.signatures[kBad * crypto_sign_BYTES + 40] ^= 1;
  std::vector<std::uint8_t> valid(64, 2);
  backend.judge(ring, 0, valid);
  ring.signatures[kBad * crypto_sign_BYTES + 40] ^= 1;
  for (std::size_t i = 0; i < valid.size(); ++i) {
    if (valid[i] != (i == kBad ? 0 : 1)) give_up(backend.name + " judges wrongly");
  }
}

void measure(benchmark::State& state, const Judge& judge, const Ring& ring, std::size_t batch) {
  std::vector<std::uint8_t> valid(batch);
  std::size_t at = 0;
  for (auto _ : state) {
    judge(ring, at, valid);
    at = (at + batch) % kRing;
    if (!std::all_of(valid.begin(), valid.end(), [](std::uint8_t v) { return v == 1; }))
      give_up("a good signature is judged to be bad");
  }
  // In seconds; on a terminal with a prefix.
  state.counters["time/signature"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(batch),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  if (auto ok = verify::start(VerifyBackend::libsodium); !ok) give_up(ok.error().message);
  const auto keys = make_keys();
  std::vector<std::unique_ptr<Ring>> rings;
  for (const auto message_bytes : kMessageBytes) {
    rings.push_back(std::make_unique<Ring>(keys, message_bytes));
    for (const auto& backend : backends()) {
      require_right_verdicts(backend, *rings.back());
      for (const auto batch : kBatches) {
        const std::string name = "verify/backend:" + backend.name +
                                 "/bytes:" + std::to_string(message_bytes) +
                                 "/batch:" + std::to_string(batch);
        benchmark::RegisterBenchmark(name.c_str(), [judge = backend.judge, &ring = *rings.back(),
                                                    batch](benchmark::State& state) {
          measure(state, judge, ring, batch);
        })->Unit(benchmark::kMicrosecond);
      }
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
