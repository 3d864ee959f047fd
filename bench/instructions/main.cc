// Runs each stage once under callgrind, which writes down how many instructions that took:
// counts.py has the command, and compares. Says on its standard output, a line each: what it was
// compiled by, and for every part that callgrind is told the name of, the number of transactions.
#include <valgrind/callgrind.h>

#include <cstdio>

#include "txindex/chain/codec.h"

#include "stages/input.h"
#include "stages/stage.h"
#include "verify/backend.h"

// Valgrind does not know the instructions of these, so they need not be here.
namespace txindex::verify::ed25519 {

Verdicts verify_avx512(const Triple (&)[kSignatures]) {
  return {.valid = 0, .undecided = 0xff};
}

Verdicts verify_avx512ifma(const Triple (&)[kSignatures]) {
  return {.valid = 0, .undecided = 0xff};
}

}  // namespace txindex::verify::ed25519

namespace txindex::bench {
namespace {

// What the kernels of verification do, in plain code.
Stage kernel_stage() {
  return {"verification, portable kernel", [] {
            chain::TransactionTable table;
            verify::ed25519::Triple eight[verify::ed25519::kSignatures];
            Work done;
            for (auto& triple : eight) {
              const auto& raw = transactions(Of::transfers)[done.transactions++];
              require(chain::find_codec(1)->parse(raw, table).has_value(), "a transfer is bad");
              const auto& transaction = table.transactions.back();
              const auto& check = table.signatures_of(transaction)[0];
              triple = {check.public_key.data(), check.signature.data(), transaction.message.data(),
                        transaction.message.size()};
              done.bytes += raw.size();
            }
            require(verify::ed25519::verify_portable(eight).valid == 0xff, "it says no");
            return done;
          }};
}

void count(const Stage& stage) {
  for (int i = 0; i < 2; ++i)
    stage.round();  // what is kept grows to its working size
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_ZERO_STATS;
  const Work done = stage.round();
  CALLGRIND_DUMP_STATS_AT(stage.name.c_str());
  CALLGRIND_STOP_INSTRUMENTATION;
  std::printf("%s: %zu\n", stage.name.c_str(), done.transactions);
}

}  // namespace
}  // namespace txindex::bench

int main() {
  using namespace txindex;
  if (auto ok = verify::start(VerifyBackend::libsodium); !ok) bench::give_up(ok.error().message);
  std::printf("compiler: %s\n",
#ifdef __clang__
              "clang " __clang_version__
#else
              "g++ " __VERSION__
#endif
  );
  for (const auto& stage : bench::all_stages())
    bench::count(stage);
  bench::count(bench::kernel_stage());
  return 0;
}
