// Acts on PostgreSQL, and on the connections to it.
#include <signal.h>

#include <algorithm>
#include <pqxx/except>
#include <sstream>

#include "faults/acts_inside.h"

namespace txindex::test::acts {
namespace {

using Part = Act::Part;

// Asks PostgreSQL to do something to sessions of the service; false: it could not be asked, or
// there are none. `which` may ask for a `rank`, from 0 to 1 in no order.
bool to_sessions(Arena& arena, const std::string& function, const std::string& which) {
  if (arena.postgres() == nullptr) return false;
  try {
    return arena.postgres()->query("SELECT count(" + function +
                                   "(pid)) FROM (SELECT pid, state, percent_rank() OVER"
                                   " (ORDER BY hashint4(pid)) AS rank FROM pg_stat_activity"
                                   " WHERE application_name = 'txindexd') AS sessions WHERE " +
                                   which) != "0";
  } catch (const pqxx::failure&) {
    return false;
  }
}

// Again and again until it is mended: PostgreSQL itself may make room, by removing WAL.
void keep_full(Arena& arena) {
  if (arena.postgres() != nullptr) return;
  arena.disk().fill();
  arena.later(Milliseconds(50), [&arena] { keep_full(arena); });
}

bool fill_disk(Arena& arena, const char* act, Random& random) {
  const auto time = between(random, 500, 1500);
  auto* postgres = arena.postgres();
  if (postgres == nullptr) return false;
  arena.postgres_away(act, time, [&arena, postgres] {
    arena.disk().free();
    if (!postgres->running()) postgres->start();
  });
  keep_full(arena);
  return true;
}

// `end` ends PostgreSQL, which is started again soon.
template <typename End>
bool restart(Arena& arena, const char* act, Random& random, End end) {
  const auto time = between(random, 50, 800);
  auto* postgres = arena.postgres();
  if (postgres == nullptr) return false;
  arena.postgres_away(act, time, [postgres] { postgres->start(); });
  end(*postgres);
  return true;
}

}  // namespace

const Act postgres_kill = {"kill -9 of PostgreSQL", Part::postgres,
                           [](Arena& arena, Random& random) {
                             return restart(arena, postgres_kill.name, random,
                                            [](PostgresCluster& postgres) { postgres.kill9(); });
                           },
                           seen<postgres_kill>};

const Act postgres_immediate = {"immediate stop of PostgreSQL", Part::postgres,
                                [](Arena& arena, Random& random) {
                                  return restart(arena, postgres_immediate.name, random,
                                                 [](PostgresCluster& postgres) {
                                                   postgres.stop(PostgresCluster::Mode::immediate);
                                                 });
                                },
                                seen<postgres_immediate>};

const Act postgres_pause = {"SIGSTOP of PostgreSQL", Part::postgres,
                            [](Arena& arena, Random& random) {
                              const auto time = between(random, 300, 2000);
                              auto* postgres = arena.postgres();
                              if (postgres == nullptr) return false;
                              postgres->pause();
                              arena.watch_standstill(postgres_pause.name, time);
                              arena.postgres_away(postgres_pause.name, time,
                                                  [postgres] { postgres->resume(); });
                              return true;
                            },
                            seen<postgres_pause>};

// What is in its memory only is lost, as at a crash of the machine; a plain kill leaves what the
// kernel has been given. Does no harm where a commit waits for the disk.
const Act postgres_forgets = {
    "kill -9 of PostgreSQL, its log unwritten", Part::postgres,
    [](Arena& arena, Random& random) {
      const auto time = between(random, 300, 900);
      auto* postgres = arena.postgres();
      if (postgres == nullptr) return false;
      const std::string writer =
          postgres->query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'");
      if (writer.empty()) return false;
      ::kill(static_cast<pid_t>(std::stol(writer)), SIGSTOP);
      arena.postgres_away(postgres_forgets.name, time, [postgres] {
        postgres->kill9();
        postgres->start();
      });
      return true;
    },
    seen<postgres_forgets>};

const Act postgres_terminate = {"pg_terminate_backend", Part::postgres,
                                // At least one: the first has the rank 0.
                                [](Arena& arena, Random& random) {
                                  const std::string share = std::to_string(20 + random.below(81));
                                  return to_sessions(arena, "pg_terminate_backend",
                                                     "rank * 100 <= " + share);
                                },
                                [](const Outcome& o) {
                                  return o.logged({"PostgreSQL failed", "the connection is lost"});
                                }};

// Of statements that run just now.
const Act postgres_cancel = {"statements cancelled", Part::postgres,
                             [](Arena& arena, Random&) {
                               return to_sessions(arena, "pg_cancel_backend", "state = 'active'");
                             },
                             [](const Outcome& o) {
                               return o.logged({"57014", "due to user request"});
                             }};

// For longer than the service lets a statement take, if that is a second.
const Act lock_tables = {
    "tables locked", Part::postgres,
    [](Arena& arena, Random& random) {
      const auto time = between(random, 1500, 2500);
      auto* postgres = arena.postgres();
      if (postgres == nullptr) return false;
      const std::string sql =
          "BEGIN; LOCK TABLE txindex.transactions IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(" +
          std::to_string(static_cast<double>(time.count()) / 1000) + "); COMMIT";
      arena.beside([postgres, sql] {
        try {
          postgres->query(sql);
        } catch (const pqxx::failure&) {
          return;  // then nobody meets the lock, which is to be seen
        }
      });
      arena.postgres_away(lock_tables.name, time + Milliseconds(200), [] {});
      return true;
    },
    [](const Outcome& o) {
      return std::min(seen<lock_tables>(o), o.logged({"57014", "due to statement timeout"}) +
                                                o.logged({"55P03", "due to lock timeout"}));
    }};

// A request of this size is a batch: what comes back is the answer to its commit.
const Act cut_answer = {"cut between COMMIT and its answer", Part::postgres,
                        [](Arena& arena, Random& random) {
                          auto& proxy = arena.proxy();
                          const int before = proxy.cuts();
                          proxy.cut_next_answer(2000 + random.below(2000));
                          arena.later(Milliseconds(300), [&arena, &proxy, before] {
                            if (proxy.cuts() > before) arena.saw(cut_answer.name);
                          });
                          return true;
                        },
                        seen<cut_answer>};

const Act fail_over = {"failover to the standby", Part::postgres,
                       [](Arena& arena, Random& random) {
                         const auto time = between(random, 50, 500);
                         if (arena.postgres() == nullptr) return false;
                         arena.fail_over(fail_over.name, time);
                         return true;
                       },
                       seen<fail_over>};

const Act disk_full = {
    "full tablespace", Part::postgres,
    [](Arena& arena, Random& random) { return fill_disk(arena, disk_full.name, random); },
    [](const Outcome& o) { return o.logged({"53100"}); }};

const Act small_disk_full = {
    "full disk under all of PostgreSQL", Part::postgres,
    [](Arena& arena, Random& random) { return fill_disk(arena, small_disk_full.name, random); },
    seen<small_disk_full>};

// Breaks the promise that a transaction is one row.
const Act forget_uniqueness = {
    "unique indexes dropped", Part::postgres,
    [](Arena& arena, Random&) {
      auto* postgres = arena.postgres();
      if (postgres == nullptr) return false;
      // One after the other: all at once would meet writers that hold locks of several.
      std::istringstream names(postgres->query(
          "SELECT string_agg(i.indexrelid::regclass::text, ' ') FROM pg_index i"
          " JOIN pg_inherits h ON h.inhrelid = i.indrelid WHERE i.indisunique AND h.inhparent IN"
          " ('txindex.transactions'::regclass, 'txindex.boundary_transactions'::regclass)"));
      for (std::string name; names >> name;)
        postgres->query("DROP INDEX " + name);
      arena.saw(forget_uniqueness.name);
      return true;
    },
    seen<forget_uniqueness>};

}  // namespace txindex::test::acts
