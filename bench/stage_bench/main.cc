// The time that each stage of a transaction's way takes, and how often it asks for memory: the
// stages of stages/stage.h, and those that need other threads, sockets, or a certain processor.
// suite/stages.py runs it and makes tables.
#include <benchmark/benchmark.h>

#include "stage_bench/measure.h"
#include "stages/stage.h"
#include "verify/backend.h"

int main(int argc, char** argv) {
  using namespace txindex;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  if (auto ok = verify::start(VerifyBackend::automatic); !ok) bench::give_up(ok.error().message);
  for (auto& stage : bench::all_stages()) {
    benchmark::RegisterBenchmark(stage.name.c_str(),
                                 [round = std::move(stage.round)](benchmark::State& state) {
                                   bench::measure(state, round);
                                 });
  }
  bench::register_hashing();
  bench::register_hand_over();
  bench::register_connection();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
