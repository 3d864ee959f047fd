// How stages are timed by Google Benchmark. An iteration is a round. Counters: transactions and
// bytes a second, and calls of malloc() for each transaction.
#pragma once

#include <benchmark/benchmark.h>

#include "stage_bench/allocations.h"
#include "stages/stage.h"

namespace txindex::bench {

template <typename Round>
void measure(benchmark::State& state, const Round& round) {
  for (int i = 0; i < 2; ++i)
    round();  // what is kept grows to its working size
  Work done;
  const std::uint64_t before = allocations();
  for (auto _ : state) {
    const Work some = round();
    done.transactions += some.transactions;
    done.bytes += some.bytes;
  }
  const std::uint64_t asked = allocations() - before;
  state.SetItemsProcessed(static_cast<std::int64_t>(done.transactions));
  if (done.bytes != 0) state.SetBytesProcessed(static_cast<std::int64_t>(done.bytes));
  state.counters["allocations"] =
      static_cast<double>(asked) / static_cast<double>(done.transactions);
}

// Those that are not in all_stages().
void register_hashing();     // SHA-512 of what is signed, by each who can
void register_hand_over();   // between real threads
void register_connection();  // over a real socket

}  // namespace txindex::bench
