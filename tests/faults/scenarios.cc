#include "faults/scenarios.h"

#include <algorithm>

namespace txindex::test {
namespace {

using Environment = std::map<std::string, std::string>;

constexpr const char* kKilled = "was killed by signal 9";
constexpr const char* kOutage = "PostgreSQL failed";

// Of 20 statements about one fails, in each of these ways at a time of its own.
constexpr const char* kFailingStatements = R"(
CREATE SEQUENCE public.statements;
GRANT USAGE ON public.statements TO public;
CREATE FUNCTION public.fail_sometimes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  n CONSTANT bigint := nextval('public.statements');
BEGIN
  CASE n % 60
    WHEN 10 THEN RAISE EXCEPTION 'made to fail' USING ERRCODE = '40001';
    WHEN 30 THEN RAISE EXCEPTION 'made to fail' USING ERRCODE = '40P01';
    WHEN 50 THEN RAISE EXCEPTION 'made to fail' USING ERRCODE = '53200';
    WHEN 55 THEN RAISE EXCEPTION 'made to fail' USING ERRCODE = '57014';
    ELSE NULL;
  END CASE;
  RETURN NULL;
END $$;
CREATE TRIGGER fail_before BEFORE INSERT ON txindex.transactions
  FOR EACH STATEMENT EXECUTE FUNCTION public.fail_sometimes();
CREATE TRIGGER fail_after AFTER INSERT ON txindex.transactions
  FOR EACH STATEMENT EXECUTE FUNCTION public.fail_sometimes();
)";

Setup crash_at(const std::string& points) {
  Setup setup;
  setup.environment = Environment{{"TXINDEX_TEST_CRASH_AT", points}};
  return setup;
}

Scenario crash_scenario(const std::string& point, const std::string& one_in) {
  Scenario scenario;
  scenario.name = "crash_at_" + point;
  scenario.what = "workers are killed at the point " + point;
  scenario.setup = crash_at(point + ":" + one_in);
  scenario.seen_in_log = kKilled;
  // Two that keep dying are held back; when both are, nobody is there.
  scenario.may_refuse = true;
  scenario.may_reset = true;
  return scenario;
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

Setup breaking(const std::string& promise) {
  Setup setup;
  setup.environment = Environment{{"TXINDEX_TEST_BREAK", promise}};
  return setup;
}

std::vector<Scenario> of_processes() {
  using namespace acts;
  return {
      {.name = "no_fault", .what = "nothing happens"},
      {.name = "worker_kill",
       .what = "kill -9 of workers",
       .acts = {&kill_worker},
       .seen_in_log = kKilled,
       .may_reset = true},
      {.name = "worker_stop", .what = "SIGSTOP of workers", .acts = {&stop_worker}},
      {.name = "admin",
       .what = "kill -9 and SIGSTOP of the admin process",
       .acts = {&kill_admin, &stop_admin}},
      {.name = "supervisor_kill",
       .what = "kill -9 of the supervisor",
       .acts = {&kill_supervisor},
       .pause_ms = {700, 1500},
       .may_refuse = true,
       .may_reset = true},
      {.name = "supervisor_stop",
       .what = "SIGSTOP of the supervisor, workers killed meanwhile",
       .acts = {&stop_supervisor, &kill_worker},
       .may_reset = true},
      {.name = "rolls",
       .what = "rolling restarts and re-executions",
       .setup = {.server_flags = {"--roll-settle=0s"}},
       .acts = {&roll, &reexec},
       .seen_in_log = "a rolling restart is done"},
      {.name = "rolls_and_kills",
       .what = "rolling restarts and re-executions, processes killed and stopped meanwhile",
       .setup = {.server_flags = {"--roll-settle=0s"}},
       .acts = {&roll, &reexec, &kill_worker, &stop_worker, &kill_admin},
       .pause_ms = {50, 500},
       .may_reset = true},
      crash_scenario("read", "900"),
      crash_scenario("verified", "900"),
      crash_scenario("statement_sent", "60"),
      crash_scenario("commit_known", "60"),
      crash_scenario("ack_written", "900"),
  };
}

std::vector<Scenario> of_postgres() {
  using namespace acts;
  return {
      {.name = "postgres_kill",
       .what = "kill -9 of PostgreSQL",
       .acts = {&postgres_kill},
       .seen_in_log = kOutage},
      {.name = "postgres_forgets",
       .what = "kill -9 of PostgreSQL while its log writer stands still",
       .acts = {&postgres_forgets},
       .seen_in_log = kOutage},
      {.name = "postgres_immediate",
       .what = "immediate stop of PostgreSQL",
       .acts = {&postgres_immediate},
       .seen_in_log = kOutage},
      {.name = "postgres_stop", .what = "SIGSTOP of PostgreSQL", .acts = {&postgres_pause}},
      {.name = "postgres_terminate",
       .what = "pg_terminate_backend",
       .acts = {&postgres_terminate},
       .pause_ms = {50, 300},
       .seen_in_log = kOutage},
      {.name = "postgres_cancel",
       .what = "statements cancelled, as a timeout does",
       .acts = {&postgres_cancel},
       .pause_ms = {1, 30}},
      {.name = "commit_cut",
       .what = "connection cut between COMMIT and its answer",
       .setup = {.proxy = true},
       .acts = {&cut_answer},
       .pause_ms = {50, 300},
       .seen_in_log = "the connection is lost"},
      {.name = "failover",
       .what = "failover to a synchronous standby",
       .setup = {.standby = true},
       .acts = {&fail_over},
       .pause_ms = {700, 1500},
       .seen_in_log = kOutage},
      {.name = "tablespace_full",
       .what = "tablespace on a full disk",
       .setup = {.disk = Setup::Disk::small_tablespace},
       .acts = {&disk_full},
       .seen_in_log = "53100"},
      {.name = "disk_full",
       .what = "all of PostgreSQL on a full disk",
       .setup = {.postgres = {{"max_wal_size", "64MB"}, {"min_wal_size", "32MB"}},
                 .disk = Setup::Disk::small},
       .acts = {&small_disk_full},
       .seen_in_log = kOutage},
      {.name = "statement_errors",
       .what = "serialization failures, deadlocks, out of memory, cancelled: made by a trigger",
       .setup = {.postgres = {{"default_transaction_isolation", "serializable"}},
                 .sql = kFailingStatements},
       .seen_in_log = kOutage},
  };
}

std::vector<Scenario> of_clients() {
  using namespace acts;
  const Setup network = {.network = true};
  return {
      {.name = "network_loss", .what = "packets lost", .setup = network, .acts = {&lossy}},
      {.name = "network_reorder",
       .what = "packets delayed and reordered",
       .setup = network,
       .acts = {&slow_and_reordered}},
      {.name = "network_half_open",
       .what = "one direction cut",
       .setup = network,
       .acts = {&half_open}},
      {.name = "network_partition",
       .what = "nothing passes",
       .setup = network,
       .acts = {&partition}},
      {.name = "nuisance",
       .what = "clients that vanish, stall, read no acks, send a byte a second",
       .setup = {.nuisance = true}},
      {.name = "bad_signatures",
       .what = "one transaction in ten is not signed by whom it says",
       .setup = {.bad_signatures = true},
       .acts = {&kill_worker},
       .may_reset = true},
  };
}

Scenario mixed() {
  using namespace acts;
  Scenario scenario = {
      .name = "mixed",
      .what = "all faults of processes and of PostgreSQL",
      .setup = crash_at("read:20000,verified:20000,statement_sent:4000,commit_known:4000,"
                        "ack_written:20000"),
      .acts = {&kill_worker, &stop_worker, &kill_admin, &stop_admin, &kill_supervisor,
               &stop_supervisor, &roll, &reexec, &postgres_kill, &postgres_immediate,
               &postgres_pause, &postgres_terminate, &postgres_cancel, &cut_answer},
      .pause_ms = {100, 1500},
      .seen_in_log = kOutage,
      .may_refuse = true,
      .may_reset = true};
  scenario.setup.server_flags = {"--roll-settle=0s"};
  scenario.setup.sql = kFailingStatements;
  scenario.setup.proxy = true;
  scenario.setup.nuisance = true;
  return scenario;
}

std::vector<Scenario> of_controls() {
  using namespace acts;
  Setup unsafe;
  unsafe.postgres = {{"fsync", "off"}, {"synchronous_commit", "off"}, {"wal_buffers", "16MB"}};
  unsafe.server_flags = {"--database-allow-unsafe-durability=true"};
  Setup unverified = breaking("verification");
  unverified.bad_signatures = true;
  Setup losing = breaking("ticket_completed:300");
  // Workers that keep dying are held back: this much is enough to see.
  Setup dropping = breaking("ticket_kept:400");
  dropping.settle = std::chrono::seconds(3);
  // It would wait for the answer, too.
  losing.settle = std::chrono::seconds(4);
  losing.server_flags = {"--drain-timeout=1s"};
  const auto missing = [](const Outcome& o) { return o.counts.acked_missing; };
  return {
      control("ack_before_commit", "a batch is acknowledged before it is committed",
              breaking("commit_before_ack"), {&kill_worker}, missing),
      control("unsafe_postgres", "PostgreSQL with fsync and synchronous_commit off, killed", unsafe,
              {&postgres_forgets}, missing),
      control("verification_skipped", "bad signatures are stored", unverified, {},
              [](const Outcome& o) { return o.counts.unverified; }),
      control("ticket_dropped", "a transaction is dropped: its worker aborts", dropping, {},
              [](const Outcome& o) -> std::uint64_t {
                const bool said =
                    o.service_log.find("a transaction was dropped") != std::string::npos;
                return said ? static_cast<std::uint64_t>(o.load.at("connections_reset")) : 0;
              }),
      control("ticket_lost", "a transaction is never answered", losing, {},
              [](const Outcome& o) {
                return o.hung ? static_cast<std::uint64_t>(o.load.at("unacknowledged")) : 0;
              }),
  };
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = [] {
    std::vector<Scenario> table;
    for (const auto& part : {of_processes(), of_postgres(), of_clients(), {mixed()}, of_controls()})
      table.insert(table.end(), part.begin(), part.end());
    return table;
  }();
  return all;
}

const Scenario* find_scenario(const std::string& name) {
  for (const auto& scenario : scenarios()) {
    if (scenario.name == name) return &scenario;
  }
  return nullptr;
}

}  // namespace txindex::test
