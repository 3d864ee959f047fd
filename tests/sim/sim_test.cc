// Many schedules, each another; see schedule.h.
//
//   TXINDEX_SIM_SCHEDULES=100000   so many, instead of a few thousand
//   TXINDEX_SIM_FIRST=1            from this seed on, instead of one by chance
//   TXINDEX_SIM_SEED=17            the one of seed 17 and no other, with every step on standard
//   error
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <random>
#include <string>

#include "log/log.h"
#include "sim/schedule.h"

namespace txindex::sim {
namespace {

constexpr std::uint64_t kSchedules = 4000;

std::uint64_t number_in(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Also for what aborts in the code under test: a dropped ticket, a broken invariant.
void name_the_seed(int) {
  char text[64];
  const int n = std::snprintf(text, sizeof text, "TXINDEX_SIM_SEED=%llu replays this schedule\n",
                              static_cast<unsigned long long>(current_seed()));
  if (n > 0 && ::write(STDERR_FILENO, text, static_cast<std::size_t>(n)) < 0) _exit(1);
}

class Simulation : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    // What is wrong here is meant to be.
    ASSERT_TRUE(log::initialise({.level = "critical"}, "simulation"));
    ::signal(SIGABRT, name_the_seed);
  }
};

TEST_F(Simulation, ManySchedulesKeepEveryPromise) {
  const bool one = std::getenv("TXINDEX_SIM_SEED") != nullptr;
  const std::uint64_t first =
      one ? number_in("TXINDEX_SIM_SEED", 0)
          : number_in("TXINDEX_SIM_FIRST", std::random_device()() * std::uint64_t{1'000'000});
  const std::uint64_t count = one ? 1 : number_in("TXINDEX_SIM_SCHEDULES", kSchedules);
  const std::clock_t begin = std::clock();
  Tally tally;
  for (std::uint64_t i = 0; i < count; ++i)
    tally.add(run_schedule(first + i, one).tally);
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  std::printf(
      "seeds %llu to %llu, %.0f schedules a minute of one core: %llu transactions received, %llu "
      "committed,"
      " %llu duplicates, %llu bisections, %llu commits in doubt, %llu retries, %llu late commits,"
      " %llu waits for credit, %llu holds, %llu times no room for a batch, %llu early drains,"
      " %llu vanished, %llu overdue\n",
      static_cast<unsigned long long>(first), static_cast<unsigned long long>(first + count - 1),
      static_cast<double>(count) / seconds * 60, static_cast<unsigned long long>(tally.received),
      static_cast<unsigned long long>(tally.committed),
      static_cast<unsigned long long>(tally.duplicates),
      static_cast<unsigned long long>(tally.bisections),
      static_cast<unsigned long long>(tally.ambiguous),
      static_cast<unsigned long long>(tally.retries), static_cast<unsigned long long>(tally.late),
      static_cast<unsigned long long>(tally.gate_waits),
      static_cast<unsigned long long>(tally.gate_holds),
      static_cast<unsigned long long>(tally.batches_full),
      static_cast<unsigned long long>(tally.drained_early),
      static_cast<unsigned long long>(tally.vanished),
      static_cast<unsigned long long>(tally.overdue));
  if (count < kSchedules) return;
  // What is not met with is not tested.
  for (const std::uint64_t met :
       {tally.committed, tally.duplicates, tally.bisections, tally.ambiguous, tally.late,
        tally.gate_waits, tally.gate_holds, tally.batches_full, tally.drained_early, tally.vanished,
        tally.overdue}) {
    EXPECT_GT(met, count / 100);
  }
}

TEST_F(Simulation, ASeedIsOneSchedule) {
  constexpr std::uint64_t kSeeds = 300;
  std::vector<std::uint64_t> fingerprints;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed)
    fingerprints.push_back(run_schedule(seed, false).fingerprint);
  // Backwards: what ran before has no part in it.
  for (std::uint64_t seed = kSeeds; seed-- > 0;)
    EXPECT_EQ(run_schedule(seed, false).fingerprint, fingerprints[seed]) << "seed " << seed;
  EXPECT_NE(fingerprints[0], fingerprints[1]);
}

}  // namespace
}  // namespace txindex::sim
