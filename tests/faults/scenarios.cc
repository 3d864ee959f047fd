#include "faults/scenarios.h"

#include <algorithm>
#include <iterator>

namespace txindex::test {
namespace {

using Environment = std::map<std::string, std::string>;
using Kind = Nuisance::Kind;
using namespace std::chrono_literals;

constexpr const char* kKilled = "was killed by signal 9";
constexpr std::size_t kStrangers = 2 * kAbuses;

// Of `period` statements four fail, in each of these ways one. A writer's session is pinned to READ
// COMMITTED, where PostgreSQL itself has no serialization failures: these stand in for what a
// trigger or a proxy of somebody's may raise. `period` is odd, since each statement counts twice.
std::string failing_statements(int period) {
  return R"(
CREATE SEQUENCE public.statements;
GRANT USAGE ON public.statements TO public;
CREATE FUNCTION public.fail_sometimes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  n CONSTANT bigint := nextval('public.statements');
BEGIN
  CASE n % )" +
         std::to_string(period) + R"(
    WHEN 5 THEN RAISE EXCEPTION 'made to fail' USING ERRCODE = '40001';
    WHEN 11 THEN RAISE EXCEPTION 'made to fail' USING ERRCODE = '40P01';
    WHEN 17 THEN RAISE EXCEPTION 'made to fail' USING ERRCODE = '53200';
    WHEN 23 THEN RAISE EXCEPTION 'made to fail' USING ERRCODE = '57014';
    ELSE NULL;
  END CASE;
  RETURN NULL;
END $$;
CREATE TRIGGER fail_before BEFORE INSERT ON txindex.transactions
  FOR EACH STATEMENT EXECUTE FUNCTION public.fail_sometimes();
CREATE TRIGGER fail_after AFTER INSERT ON txindex.transactions
  FOR EACH STATEMENT EXECUTE FUNCTION public.fail_sometimes();
)";
}

std::uint64_t killed(const Outcome& o) {
  return o.logged({kKilled});
}

// Each of several things must have been seen.
std::uint64_t least_of(std::initializer_list<std::uint64_t> counts) {
  return std::min(counts);
}

std::uint64_t counted(const Outcome& o, const std::string& name) {
  return static_cast<std::uint64_t>(o.statistics.at(name));
}

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
  scenario.bites = killed;
  // Two that keep dying are held back; when both are, nobody is there.
  scenario.may_refuse = true;
  scenario.may_reset = true;
  return scenario;
}

std::vector<Scenario> of_processes() {
  using namespace acts;
  const Setup quick_rolls = {.server_flags = {"--roll-settle=0s"}};
  return {
      {.name = "no_fault", .what = "nothing happens"},
      {.name = "worker_kill",
       .what = "kill -9 of workers",
       .acts = {&kill_worker},
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
       .setup = quick_rolls,
       .acts = {&roll, &reexec},
       .bites = [](const Outcome& o) { return o.logged({"a rolling restart is done"}); }},
      {.name = "rolls_and_kills",
       .what = "rolling restarts and re-executions, processes killed and stopped meanwhile",
       .setup = quick_rolls,
       .acts = {&roll, &reexec, &kill_worker, &stop_worker, &kill_admin},
       .pause_ms = {50, 500},
       .bites =
           [](const Outcome& o) {
             return least_of({acts::roll.bites(o), acts::reexec.bites(o),
                              acts::kill_worker.bites(o), acts::kill_admin.bites(o)});
           },
       .least = 3500ms,
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
      {.name = "postgres_kill", .what = "kill -9 of PostgreSQL", .acts = {&postgres_kill}},
      {.name = "postgres_forgets",
       .what = "kill -9 of PostgreSQL while its log writer stands still",
       .acts = {&postgres_forgets}},
      {.name = "postgres_immediate",
       .what = "immediate stop of PostgreSQL",
       .acts = {&postgres_immediate}},
      {.name = "postgres_stop", .what = "SIGSTOP of PostgreSQL", .acts = {&postgres_pause}},
      {.name = "postgres_terminate",
       .what = "pg_terminate_backend",
       .acts = {&postgres_terminate},
       .pause_ms = {50, 300}},
      {.name = "postgres_cancel",
       .what = "statements cancelled while they run",
       .acts = {&postgres_cancel},
       .pause_ms = {1, 30}},
      {.name = "statement_timeout",
       .what = "tables locked for longer than a statement may take",
       .setup = {.server_flags = {"--database-statement-timeout=1s"}},
       .acts = {&lock_tables}},
      {.name = "commit_cut",
       .what = "connection cut between COMMIT and its answer",
       .setup = {.proxy = true},
       .acts = {&cut_answer},
       .pause_ms = {50, 300}},
      {.name = "failover",
       .what = "failover to a synchronous standby",
       .setup = {.standby = true},
       .acts = {&fail_over},
       .pause_ms = {700, 1500}},
      {.name = "tablespace_full",
       .what = "tablespace on a full disk",
       .setup = {.disk = Setup::Disk::small_tablespace},
       .acts = {&disk_full}},
      {.name = "disk_full",
       .what = "all of PostgreSQL on a full disk",
       .setup = {.postgres = {{"max_wal_size", "64MB"}, {"min_wal_size", "32MB"}},
                 .disk = Setup::Disk::small},
       .acts = {&small_disk_full}},
      {.name = "statement_errors",
       .what = "serialization failures, deadlocks, out of memory, cancelled: raised by a trigger",
       .setup = {.sql = failing_statements(25)},
       .bites =
           [](const Outcome& o) {
             return least_of({o.logged({"40001"}), o.logged({"40P01"}), o.logged({"53200"}),
                              o.logged({"57014"}), counted(o, "postgres_retries")});
           }},
  };
}

std::vector<Scenario> of_clients() {
  using namespace acts;
  const Setup network = {.network = true};
  const Setup impatient = {.network = true, .give_up = 10s};
  // What is given up is sent again.
  const auto resent = [](const Outcome& o) {
    return least_of({static_cast<std::uint64_t>(o.load.at("connections_hung")),
                     static_cast<std::uint64_t>(o.load.at("resent"))});
  };
  return {
      {.name = "network_loss", .what = "packets lost", .setup = network, .acts = {&lossy}},
      {.name = "network_reorder",
       .what = "packets delayed and reordered",
       .setup = network,
       .acts = {&slow_and_reordered}},
      {.name = "network_half_open",
       .what = "one direction cut, until connections are given up and for less",
       .setup = impatient,
       .acts = {&long_half_open, &half_open},
       .bites = resent,
       .least = 7500ms},
      {.name = "network_partition",
       .what = "nothing passes, until connections are given up and for less",
       .setup = impatient,
       .acts = {&long_partition, &partition},
       .bites = resent,
       .least = 7500ms},
      {.name = "nuisance",
       .what = "clients that vanish, stall, read no answers, send a byte a second, or nonsense",
       .setup = {.server_flags = {"--limits-hello-timeout=2s", "--limits-frame-timeout=3s",
                                  "--limits-answers-timeout=2s"},
                 .nuisance = {Kind::vanishes, Kind::stalls, Kind::deaf, Kind::lines, Kind::repeats},
                 .strangers = kStrangers},
       .bites =
           [](const Outcome& o) {
             std::uint64_t least =
                 least_of({counted(o, "overdue_hello"), counted(o, "overdue_frame"),
                           counted(o, "overdue_answers"), counted(o, "connections_broken")});
             for (const auto& [kind, visits] : o.nuisance)
               least = std::min(least, visits);
             // What HTTP says are lines, each of which is answered; nobody is thrown out for that.
             for (const Abuse abuse : {Abuse::only_connect, Abuse::garbage, Abuse::tls, Abuse::slow,
                                       Abuse::absurd, Abuse::one_address})
               least = std::min(least, o.strangers_ended.at(abuse));
             return least;
           },
       .least = 9s},
      {.name = "bad_signatures",
       .what = "one transaction in two of a second load is not signed by whom it says",
       .setup = {.bad_signatures = true},
       .acts = {&kill_worker},
       .may_reset = true},
  };
}

// What is common to the mixed ones.
Scenario mixed(const std::string& name, const std::string& what, int failing_period) {
  Scenario scenario = {.name = name,
                       .what = what,
                       .setup = crash_at("read:20000,verified:20000,statement_sent:4000,"
                                         "commit_known:4000,ack_written:20000"),
                       .pause_ms = {100, 1200},
                       .bites =
                           [](const Outcome& o) {
                             // Not as counted, which begins anew with each supervisor.
                             std::uint64_t least = least_of(
                                 {killed(o), o.logged({"PostgreSQL failed"}), o.counts.rejected,
                                  static_cast<std::uint64_t>(o.outages)});
                             for (const auto& [kind, visits] : o.nuisance)
                               least = std::min(least, visits);
                             return least;
                           },
                       .may_refuse = true,
                       .may_reset = true};
  scenario.setup.sql = failing_statements(failing_period);
  scenario.setup.server_flags = {"--roll-settle=0s", "--database-statement-timeout=1s"};
  scenario.setup.network = true;
  scenario.setup.bad_signatures = true;
  scenario.setup.short_partitions = true;
  scenario.setup.level = IndexLevel::instructions;
  scenario.setup.nuisance = {Kind::vanishes, Kind::stalls, Kind::deaf, Kind::lines, Kind::repeats};
  scenario.setup.strangers = kStrangers;
  return scenario;
}

std::vector<Scenario> of_mixtures() {
  using namespace acts;
  Scenario all = mixed("mixed", "all faults together, but for full disks", 251);
  all.acts = {&kill_worker,
              &stop_worker,
              &kill_admin,
              &stop_admin,
              &kill_supervisor,
              &stop_supervisor,
              &roll,
              &reexec,
              &postgres_kill,
              &postgres_immediate,
              &postgres_pause,
              &postgres_terminate,
              &postgres_forgets,
              &postgres_cancel,
              &lock_tables,
              &cut_answer,
              &fail_over,
              &lossy,
              &half_open,
              &partition,
              &slow_and_reordered,
              &very_long_partition};
  all.setup.proxy = true;
  all.setup.standby = true;
  // So that a standby is back soon after its primary.
  all.setup.postgres = {{"wal_retrieve_retry_interval", "100ms"}, {"wal_keep_size", "256MB"}};
  Scenario disk = mixed("mixed_disk", "full tablespaces, with faults of all kinds", 251);
  disk.acts = {&disk_full,        &kill_worker,     &stop_worker, &roll,      &postgres_kill,
               &postgres_forgets, &postgres_cancel, &lossy,       &half_open, &partition};
  disk.setup.disk = Setup::Disk::small_tablespace;
  return {all, disk};
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = [] {
    std::vector<Scenario> table;
    for (const auto& part : {of_processes(), of_postgres(), of_clients()})
      table.insert(table.end(), part.begin(), part.end());
    // Half of them with short partitions, and with producers that send again what they have sent,
    // without a time or with another one; a third with all that can be stored.
    for (std::size_t i = 0; i < table.size(); ++i) {
      Setup& setup = table[i].setup;
      if (i % 3 == 2) setup.level = IndexLevel::instructions;
      if (i % 2 == 1 && setup.nuisance.empty()) continue;
      setup.short_partitions = true;
      if (setup.nuisance.empty()) setup.nuisance = {Kind::repeats, Kind::lines};
    }
    for (const auto& part : {of_mixtures(), controls()})
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
