// The fault suite by hand: any scenario, any seed, any length.
#include <sys/random.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "faults/scenarios.h"

namespace {

using namespace txindex::test;

void list() {
  for (const auto& scenario : scenarios())
    std::printf("%-26s %s\n", scenario.name.c_str(), scenario.what.c_str());
}

enum class Result : std::uint8_t { good, bad, skipped };

Result play_one(const Scenario& scenario, const Effort& effort, const std::string& keep_log) {
  try {
    const Verdict verdict = play(scenario, effort);
    std::printf("%s\n", to_line(scenario, effort, verdict).c_str());
    for (const auto& problem : verdict.problems)
      std::printf("  FAILED: %s\n", problem.c_str());
    if (!keep_log.empty()) txindex::test::write_file(keep_log, verdict.outcome.service_log);
    std::fflush(stdout);
    return verdict.problems.empty() ? Result::good : Result::bad;
  } catch (const SkipScenario& skip) {
    std::printf("%-26s skipped: %s\n", scenario.name.c_str(), skip.what());
    return Result::skipped;
  } catch (const std::exception& problem) {
    std::printf("%-26s %10llu FAILED: %s\n", scenario.name.c_str(),
                static_cast<unsigned long long>(effort.seed), problem.what());
    return Result::bad;
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Does harm to txindexd and PostgreSQL, and counts what came of it", "fault_suite");
  std::vector<std::string> names;
  Effort effort;
  double seconds = 10;
  unsigned times = 1;
  bool only_list = false;
  std::string keep_log;
  if (getrandom(&effort.seed, 4, 0) != 4) return 1;
  app.add_option("scenarios", names, "Their names; default: all");
  app.add_flag("--list", only_list, "What there is");
  app.add_option("--seed", effort.seed, "Of the schedule of faults; default: a new one");
  app.add_option("--seconds", seconds, "For which each scenario lasts")->capture_default_str();
  app.add_option("--times", times, "Each so often, with seeds one after the other");
  app.add_option("--rate", effort.rate, "Transactions a second")->capture_default_str();
  app.add_option("--connections", effort.connections)->capture_default_str();
  app.add_option("--keep-log", keep_log, "File for the log of the last service");
  CLI11_PARSE(app, argc, argv);
  if (only_list) {
    list();
    return 0;
  }
  effort.duration = Milliseconds(static_cast<std::int64_t>(seconds * 1000));
  if (names.empty()) {
    for (const auto& scenario : scenarios())
      names.push_back(scenario.name);
  }
  std::printf("%s\n", heading().c_str());
  std::map<Result, int> results;
  for (const auto& name : names) {
    const Scenario* scenario = find_scenario(name);
    if (scenario == nullptr) {
      std::fprintf(stderr, "fault_suite: there is no scenario %s; see --list\n", name.c_str());
      return 2;
    }
    for (unsigned i = 0; i < times; ++i) {
      Effort one = effort;
      one.seed += i;
      ++results[play_one(*scenario, one, keep_log)];
    }
  }
  // What was not played is not known to be good.
  const bool all = getenv("TXINDEX_TEST_REQUIRE_ALL") != nullptr;
  std::printf("%d good, %d failed, %d skipped%s\n", results[Result::good], results[Result::bad],
              results[Result::skipped],
              all && results[Result::skipped] > 0 ? ", which is a failure" : "");
  return results[Result::bad] == 0 && (!all || results[Result::skipped] == 0) ? 0 : 1;
}
