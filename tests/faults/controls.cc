// Promises that are broken on purpose: the oracle has to see it.
#include <algorithm>

#include "faults/scenarios.h"

namespace txindex::test {
namespace {

Setup breaking(const std::string& promise) {
  Setup setup;
  setup.environment = {{"TXINDEX_TEST_BREAK", promise}};
  return setup;
}

Scenario control(const std::string& name, const std::string& what, Setup setup,
                 std::vector<const Act*> acts,
                 std::uint64_t (*must_be_seen)(const Outcome& outcome)) {
  Scenario scenario;
  scenario.name = "control_" + name;
  scenario.what = what;
  scenario.setup = std::move(setup);
  scenario.acts = std::move(acts);
  scenario.must_be_seen = must_be_seen;
  return scenario;
}

std::uint64_t missing(const Outcome& o) {
  return o.counts.acked_missing;
}

}  // namespace

std::vector<Scenario> controls() {
  using namespace acts;
  Setup unsafe;
  unsafe.postgres = {{"fsync", "off"}, {"synchronous_commit", "off"}, {"wal_buffers", "16MB"}};
  unsafe.server_flags = {"--database-allow-unsafe-durability=true"};
  Setup unverified = breaking("verification");
  unverified.bad_signatures = true;
  Setup repeated;
  repeated.short_partitions = true;
  repeated.nuisance = {Nuisance::Kind::repeats, Nuisance::Kind::lines, Nuisance::Kind::repeats};
  // Workers that keep dying are held back: this much is enough to see.
  Setup dropping = breaking("ticket_kept:300");
  dropping.settle = std::chrono::seconds(3);
  // It would wait for the answer, too.
  Setup losing = breaking("ticket_completed:300");
  losing.settle = std::chrono::seconds(4);
  losing.server_flags = {"--drain-timeout=1s"};
  Scenario doubling = control("uniqueness_forgotten", "the unique indexes are dropped", repeated,
                              {&forget_uniqueness, &kill_worker},
                              [](const Outcome& o) { return o.counts.doubled; });
  doubling.pause_ms = {100, 500};
  doubling.least = std::chrono::seconds(4);
  return {
      doubling,
      control("ack_before_commit", "a batch is acknowledged before it is committed",
              breaking("commit_before_ack"), {&kill_worker}, missing),
      control("unsafe_postgres", "PostgreSQL with fsync and synchronous_commit off, killed", unsafe,
              {&postgres_forgets}, missing),
      control("verification_skipped", "bad signatures are stored", unverified, {},
              [](const Outcome& o) { return std::min(o.counts.unverified, o.counts.misjudged); }),
      // Each drop ends its worker, with a line in the log.
      control("ticket_dropped", "transactions are dropped: their workers abort", dropping, {},
              [](const Outcome& o) {
                return std::min(o.logged({"a transaction was dropped"}),
                                static_cast<std::uint64_t>(o.load.at("connections_reset")));
              }),
      control("ticket_lost", "transactions are never answered", losing, {},
              [](const Outcome& o) { return o.hung ? o.counts.unacked() : 0; }),
  };
}

}  // namespace txindex::test
