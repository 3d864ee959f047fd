// SHA-512 of what an Ed25519 signature is of, 64 bytes and the message: libsodium's, and that of
// the eight lanes.
#include <sodium.h>

#include <memory>

#include "txindex/chain/codec.h"

#include "stage_bench/hashing_avx512.h"
#include "stage_bench/measure.h"
#include "stages/input.h"

namespace txindex::bench {
namespace {

using verify::ed25519::kSignatures;
using verify::ed25519::Triple;

struct Signed {
  chain::TransactionTable table;
  std::vector<Triple> triples;
  std::size_t bytes = 0;
};

std::shared_ptr<Signed> signed_transfers() {
  auto all = std::make_shared<Signed>();
  for (const auto& raw : transactions(Of::transfers))
    require(chain::find_codec(1)->parse(raw, all->table).has_value(), "a transfer does not parse");
  for (const auto& transaction : all->table.transactions) {
    const auto& check = all->table.signatures_of(transaction)[0];
    all->triples.push_back({check.public_key.data(), check.signature.data(),
                            transaction.message.data(), transaction.message.size()});
    all->bytes += 64 + transaction.message.size();
  }
  return all;
}

void hash_by_libsodium(const Triple& triple, std::uint8_t* out) {
  crypto_hash_sha512_state state;
  crypto_hash_sha512_init(&state);
  crypto_hash_sha512_update(&state, triple.signature, 32);
  crypto_hash_sha512_update(&state, triple.public_key, 32);
  crypto_hash_sha512_update(&state, triple.message, triple.message_bytes);
  crypto_hash_sha512_final(&state, out);
}

Work by_libsodium(const Signed& all) {
  std::uint8_t hash[crypto_hash_sha512_BYTES];
  for (const Triple& triple : all.triples) {
    hash_by_libsodium(triple, hash);
    benchmark::DoNotOptimize(hash);
  }
  return {all.triples.size(), all.bytes};
}

static_assert(kTransactions % kSignatures == 0);

#ifdef __x86_64__
Work by_avx512(const Signed& all) {
  std::uint64_t hash[8][kSignatures];
  for (std::size_t i = 0; i < all.triples.size(); i += kSignatures) {
    hash_by_avx512(hash, all.triples.data() + i);
    benchmark::DoNotOptimize(hash);
  }
  return {all.triples.size(), all.bytes};
}

void require_the_same(const Signed& all) {
  std::uint64_t hash[8][kSignatures];
  hash_by_avx512(hash, all.triples.data());
  for (std::size_t lane = 0; lane < kSignatures; ++lane) {
    std::uint8_t expected[crypto_hash_sha512_BYTES];
    hash_by_libsodium(all.triples[lane], expected);
    for (std::size_t w = 0; w < 8; ++w)
      require(wire::load<std::uint64_t>(expected + 8 * w) == hash[w][lane], "the hashes differ");
  }
}
#endif

}  // namespace

void register_hashing() {
  const auto all = signed_transfers();
  benchmark::RegisterBenchmark("SHA-512, libsodium", [all](benchmark::State& state) {
    measure(state, [&] { return by_libsodium(*all); });
  });
#ifdef __x86_64__
  if (!verify::ed25519::avx512_is_there()) return;
  require_the_same(*all);
  benchmark::RegisterBenchmark("SHA-512, avx512", [all](benchmark::State& state) {
    measure(state, [&] { return by_avx512(*all); });
  });
#endif
}

}  // namespace txindex::bench
