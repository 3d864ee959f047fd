// A scenario from its schedule to its verdict.
#include <cstdio>

#include "faults/scenarios.h"

namespace txindex::test {
namespace {

struct Planned {
  Milliseconds pause;
  const Act* act;
  std::uint64_t seed;  // of what the act draws
};

// All that is random is drawn before the first act, so that the same seed gives the same schedule
// whatever becomes of it.
std::vector<Planned> schedule(const Scenario& scenario, const Effort& effort) {
  std::vector<Planned> plan;
  if (scenario.acts.empty()) return plan;
  Random random(effort.seed);
  const auto [least, most] = scenario.pause_ms;
  for (Milliseconds at{0}; at < effort.duration;) {
    const Milliseconds pause(
        least + static_cast<int>(random.below(static_cast<std::size_t>(most - least))));
    plan.push_back({pause, scenario.acts[random.below(scenario.acts.size())], random.engine()()});
    at += pause;
  }
  return plan;
}

std::vector<std::string> problems_of(const Scenario& scenario, const Verdict& verdict) {
  const Outcome& o = verdict.outcome;
  std::vector<std::string> problems;
  const auto expect = [&](bool holds, const std::string& problem) {
    if (!holds) problems.push_back(problem);
  };
  expect(o.counts.sent > 0, "nothing was sent");
  expect(scenario.acts.empty() || verdict.acts > 0, "no fault was done");
  if (scenario.must_be_seen != nullptr) {
    expect(scenario.must_be_seen(o) > 0, "the oracle does not see that a promise is broken");
    return problems;
  }
  const auto zero = [&](std::uint64_t count, const char* what) {
    expect(count == 0, std::to_string(count) + " " + what);
  };
  zero(o.counts.acked_missing, "acknowledged, and missing");
  zero(o.counts.doubled, "rows more than once");
  zero(o.counts.never_sent, "rows that nobody sent");
  zero(o.counts.unverified, "rows whose signatures do not verify");
  zero(o.counts.wrong_columns, "rows with a column that is not what it should be");
  zero(o.counts.wrong_postings, "wrong postings");
  zero(o.counts.rejected_present, "rows of transactions that were rejected");
  zero(o.counts.unacked(), "never answered, though all was mended");
  expect(!o.hung, "the load waited for an answer for ever");
  expect(scenario.setup.bad_signatures || o.counts.rejected == 0,
         "good transactions were rejected");
  expect(!scenario.setup.bad_signatures || o.counts.rejected > 0, "nothing was rejected");
  if (!scenario.may_refuse) {
    zero(static_cast<std::uint64_t>(o.load.at("connections_refused")), "connections refused");
  }
  if (!scenario.may_reset) {
    zero(static_cast<std::uint64_t>(o.load.at("connections_reset")), "connections reset");
  }
  expect(o.service_status == 0,
         "the service ended with status " + std::to_string(o.service_status));
  expect(
      scenario.seen_in_log.empty() || o.service_log.find(scenario.seen_in_log) != std::string::npos,
      "the fault did not bite: the service's log has no \"" + scenario.seen_in_log + "\"");
  return problems;
}

}  // namespace

Verdict play(const Scenario& scenario, const Effort& effort) {
  Verdict verdict;
  Arena arena(scenario.setup, effort);
  for (const auto& planned : schedule(scenario, effort)) {
    Random random(planned.seed);
    if (!arena.pass(planned.pause)) break;
    if (planned.act->apply(arena, random)) ++verdict.acts;
  }
  // One without acts, or the rest of its time.
  arena.pass(effort.duration);
  verdict.outcome = arena.finish();
  verdict.problems = problems_of(scenario, verdict);
  return verdict;
}

std::string heading() {
  char line[256];
  std::snprintf(line, sizeof line, "%-26s %10s %5s %8s %8s | %7s %7s %7s %7s | %7s %7s %6s %5s %7s",
                "scenario", "seed", "acts", "sent", "acked", "missing", "doubled", "strange",
                "unacked", "refused", "reset", "hung", "unans", "gap_s");
  return line;
}

std::string to_line(const Scenario& scenario, const Effort& effort, const Verdict& verdict) {
  const Outcome& o = verdict.outcome;
  const auto load = [&](const char* name) { return o.load.at(name); };
  char line[256];
  std::snprintf(line, sizeof line,
                "%-26s %10llu %5d %8llu %8llu | %7llu %7llu %7llu %7llu | %7.0f %7.0f %6.0f %5llu "
                "%7.2f",
                scenario.name.c_str(), static_cast<unsigned long long>(effort.seed), verdict.acts,
                static_cast<unsigned long long>(o.counts.sent),
                static_cast<unsigned long long>(o.counts.acked),
                static_cast<unsigned long long>(o.counts.missing()),
                static_cast<unsigned long long>(o.counts.doubled),
                static_cast<unsigned long long>(o.counts.strange()),
                static_cast<unsigned long long>(o.counts.present_unacked),
                load("connections_refused"), load("connections_reset"), load("connections_hung"),
                static_cast<unsigned long long>(o.counts.unacked()), load("longest_gap_seconds"));
  return line;
}

}  // namespace txindex::test
