// Every scenario of the table for a few seconds; mixed ones for longer. TXINDEX_TEST_SEED sets the
// seed, which is printed with the counts. With TXINDEX_TEST_REQUIRE_ALL, one that this machine does
// not allow is a failure.
#include "faults/scenarios.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <ostream>
#include <string>

namespace txindex::test {

void PrintTo(const Scenario& scenario, std::ostream* out) {
  *out << scenario.what;
}

namespace {

constexpr auto kEach = std::chrono::seconds(2);
const std::map<std::string, Milliseconds> kLonger = {{"mixed", std::chrono::seconds(40)},
                                                     {"mixed_disk", std::chrono::seconds(15)}};

class Faults : public testing::TestWithParam<Scenario> {};

TEST_P(Faults, CountsAreAsTheyShouldBe) {
  const Scenario& scenario = GetParam();
  Effort effort;
  // Whatever fits into the name of a test's report.
  effort.seed = fresh_seed() % 1'000'000'000;
  const auto longer = kLonger.find(scenario.name);
  effort.duration = longer != kLonger.end() ? longer->second : Milliseconds(kEach);
  std::printf("TXINDEX_TEST_SEED=%llu\n", static_cast<unsigned long long>(effort.seed));
  std::fflush(stdout);
  try {
    const Verdict verdict = play(scenario, effort);
    std::printf("%s\n%s\n", heading().c_str(), to_line(scenario, effort, verdict).c_str());
    for (const auto& problem : verdict.problems)
      ADD_FAILURE() << scenario.name << ", seed " << effort.seed << ": " << problem;
    if (HasFailure()) std::printf("%s\n", verdict.outcome.service_log.c_str());
  } catch (const SkipScenario& skip) {
    if (getenv("TXINDEX_TEST_REQUIRE_ALL") != nullptr)
      FAIL() << scenario.name << ": " << skip.what();
    GTEST_SKIP() << scenario.name << ": " << skip.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Scenario, Faults, testing::ValuesIn(scenarios()),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace txindex::test
