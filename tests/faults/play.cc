// A scenario from its schedule to its verdict.
#include <algorithm>
#include <cstdio>

#include "faults/scenarios.h"

namespace txindex::test {
namespace {

struct Planned {
  Milliseconds pause;
  const Act* act;
  std::uint64_t seed;  // of what the act draws
};

// In a scenario of more acts than this, one that was done a few times may have hit what another had
// hit before.
constexpr std::size_t kActsAlone = 2;
constexpr int kMayMiss = 2;
// From which length on a run is a soak.
constexpr Milliseconds kSoak = std::chrono::minutes(2);
constexpr Milliseconds kLook{50};

// All that is random is drawn before the first act, so that the same seed gives the same schedule
// whatever becomes of it.
std::vector<Planned> schedule(const Scenario& scenario, const Effort& effort) {
  std::vector<const Act*> acts = scenario.acts;
  if (effort.duration < kSoak)
    std::erase_if(acts, [](const Act* act) { return act->only_in_soaks; });
  std::vector<Planned> plan;
  if (acts.empty()) return plan;
  Random random(effort.seed);
  const auto [least, most] = scenario.pause_ms;
  for (Milliseconds at{0}; at < effort.duration;) {
    const auto first = acts.begin() + (plan.empty() ? 1 : 0);
    std::shuffle(first, acts.end(), random.engine());
    for (const Act* act : acts) {
      const Milliseconds pause(
          least + static_cast<int>(random.below(static_cast<std::size_t>(most - least))));
      plan.push_back({pause, act, random.engine()()});
      at += pause;
    }
  }
  return plan;
}

template <typename Kind>
std::string to_text(const std::map<Kind, std::uint64_t>& counts, const std::string& name) {
  std::string text;
  for (const auto& [kind, count] : counts)
    text += name + " " + std::to_string(static_cast<int>(kind)) + ": " + std::to_string(count);
  return text;
}

std::vector<std::string> problems_of(const Scenario& scenario, const Verdict& verdict) {
  const Outcome& o = verdict.outcome;
  std::vector<std::string> problems;
  const auto expect = [&](bool holds, const std::string& problem) {
    if (!holds) problems.push_back(problem);
  };
  expect(o.counts.sent > 0, "nothing was sent");
  expect(scenario.acts.empty() || !verdict.acts.empty(), "no fault was done");
  // What the oracle sees has bitten, also if it came after the last answer.
  if (scenario.must_be_seen != nullptr) {
    expect(scenario.must_be_seen(o) > 0, "the oracle does not see that a promise is broken");
    return problems;
  }
  for (const auto& [act, times] : verdict.acts) {
    const bool alone = scenario.acts.size() <= kActsAlone;
    expect(
        act->bites(o) > 0 || (!alone && times <= kMayMiss),
        std::string("did not bite: ") + act->name + ", done " + std::to_string(times) + " times");
  }
  expect(scenario.bites == nullptr || scenario.bites(o) > 0,
         "the fault did not bite" + to_text(o.nuisance, ", nuisance") +
             to_text(o.strangers_ended, ", strangers ended"));
  const auto zero = [&](std::uint64_t count, const char* what) {
    expect(count == 0, std::to_string(count) + " " + what);
  };
  zero(o.counts.acked_missing, "acknowledged, and missing");
  zero(o.counts.doubled, "rows more than once");
  zero(o.counts.never_sent, "rows that nobody sent");
  zero(o.counts.unverified, "rows whose signatures do not verify");
  zero(o.counts.wrong_columns, "rows with a column that is not what it should be");
  zero(o.counts.wrong_received, "rows that were received at another time than they were sent");
  zero(o.counts.wrong_postings, "wrong postings");
  zero(o.counts.wrong_boundaries, "wrong keys at boundaries of partitions");
  zero(o.counts.misjudged, "good transactions rejected, or bad ones not as such");
  zero(o.counts.rejected_present, "rows of transactions that were rejected");
  zero(o.counts.unacked(), "never answered, though all was mended");
  expect(!o.hung, "the load waited for an answer for ever");
  expect(o.counts.rejected == o.counts.broken &&
             scenario.setup.bad_signatures == (o.counts.broken > 0),
         std::to_string(o.counts.broken) + " broken, " + std::to_string(o.counts.rejected) +
             " rejected");
  if (!scenario.may_refuse) {
    zero(static_cast<std::uint64_t>(o.load.at("connections_refused")), "connections refused");
  }
  if (!scenario.may_reset) {
    zero(static_cast<std::uint64_t>(o.load.at("connections_reset")), "connections reset");
  }
  expect(o.service_status == 0,
         "the service ended with status " + std::to_string(o.service_status));
  return problems;
}

}  // namespace

Verdict play(const Scenario& scenario, const Effort& wanted) {
  Effort effort = wanted;
  effort.duration = std::max(effort.duration, scenario.least);
  Verdict verdict;
  Arena arena(scenario.setup, effort);
  const auto end = std::chrono::steady_clock::now() + effort.duration;
  const auto left = [end] {
    return std::chrono::duration_cast<Milliseconds>(end - std::chrono::steady_clock::now());
  };
  const auto is_well = [&arena](const Act& act) {
    return (act.part != Act::Part::postgres || arena.postgres_is_well()) &&
           (act.part != Act::Part::network || arena.network_is_well());
  };
  for (const auto& planned : schedule(scenario, effort)) {
    Random random(planned.seed);
    bool goes_on = arena.pass(planned.pause);
    while (goes_on && left().count() > 0 && !is_well(*planned.act))
      goes_on = arena.pass(kLook);
    if (!goes_on || left().count() <= 0) break;
    if (planned.act->apply(arena, random)) ++verdict.acts[planned.act];
  }
  // One without acts, or the rest of its time.
  arena.pass(left());
  verdict.outcome = arena.finish();
  verdict.problems = problems_of(scenario, verdict);
  return verdict;
}

std::string heading() {
  char line[256];
  std::snprintf(line, sizeof line,
                "%-24s %10s %4s %5s %7s %8s %8s | %7s %7s %7s %7s | %6s %7s %5s %4s %5s %6s",
                "scenario", "seed", "acts", "bites", "outages", "sent", "acked", "missing",
                "doubled", "strange", "unacked", "reject", "refused", "reset", "hung", "unans",
                "gap_s");
  return line;
}

std::string to_line(const Scenario& scenario, const Effort& effort, const Verdict& verdict) {
  const Outcome& o = verdict.outcome;
  const auto n = [](std::uint64_t count) { return static_cast<unsigned long long>(count); };
  int acts = 0;
  std::uint64_t bites = scenario.bites == nullptr ? 0 : scenario.bites(o);
  for (const auto& [act, times] : verdict.acts) {
    acts += times;
    bites += act->bites(o);
  }
  char line[256];
  std::snprintf(
      line, sizeof line,
      "%-24s %10llu %4d %5llu %7d %8llu %8llu | %7llu %7llu %7llu %7llu | %6llu %7.0f %5.0f"
      " %4.0f %5llu %6.2f",
      scenario.name.c_str(), n(effort.seed), acts, n(bites), o.outages, n(o.counts.sent),
      n(o.counts.acked), n(o.counts.missing()), n(o.counts.doubled), n(o.counts.strange()),
      n(o.counts.present_unacked), n(o.counts.rejected), o.load.at("connections_refused"),
      o.load.at("connections_reset"), o.load.at("connections_hung"), n(o.counts.unacked()),
      o.longest_gap_seconds);
  return line;
}

}  // namespace txindex::test
