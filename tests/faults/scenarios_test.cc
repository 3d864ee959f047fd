// Every scenario of the table for a few seconds; a mixed one for longer. TXINDEX_TEST_SEED sets the
// seed, which is printed with the counts.
#include "faults/scenarios.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <ostream>

namespace txindex::test {

void PrintTo(const Scenario& scenario, std::ostream* out) {
  *out << scenario.what;
}

namespace {

constexpr auto kEach = std::chrono::seconds(2);
constexpr auto kMixed = std::chrono::seconds(60);

class Faults : public testing::TestWithParam<Scenario> {};

TEST_P(Faults, CountsAreAsTheyShouldBe) {
  const Scenario& scenario = GetParam();
  Effort effort;
  // Whatever fits into the name of a test's report.
  effort.seed = fresh_seed() % 1'000'000'000;
  effort.duration = scenario.name == "mixed" ? Milliseconds(kMixed) : kEach;
  std::printf("TXINDEX_TEST_SEED=%llu\n", static_cast<unsigned long long>(effort.seed));
  std::fflush(stdout);
  try {
    const Verdict verdict = play(scenario, effort);
    std::printf("%s\n%s\n", heading().c_str(), to_line(scenario, effort, verdict).c_str());
    for (const auto& problem : verdict.problems)
      ADD_FAILURE() << scenario.name << ", seed " << effort.seed << ": " << problem;
    if (HasFailure()) std::printf("%s\n", verdict.outcome.service_log.c_str());
  } catch (const SkipScenario& skip) {
    GTEST_SKIP() << scenario.name << ": " << skip.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Scenario, Faults, testing::ValuesIn(scenarios()),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace txindex::test
