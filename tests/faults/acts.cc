#include "faults/acts.h"

#include <signal.h>

#include <pqxx/except>

#include "support/server.h"

namespace txindex::test::acts {
namespace {

Milliseconds between(Random& random, int least, int most) {
  return Milliseconds(least +
                      static_cast<int>(random.below(static_cast<std::size_t>(most - least))));
}

pid_t some_worker(Arena& arena, Random& random) {
  const std::size_t pick = random.below(1000);
  const auto pids = arena.service().workers();
  return pids.empty() ? 0 : pids[pick % pids.size()];
}

bool stop_for(Arena& arena, pid_t pid, Milliseconds time) {
  if (pid == 0) return false;
  ::kill(pid, SIGSTOP);
  arena.later(time, [pid] {
    if (is_alive(pid)) ::kill(pid, SIGCONT);
  });
  return true;
}

bool signal_to(pid_t pid, int number) {
  return pid != 0 && ::kill(pid, number) == 0;
}

// Asks PostgreSQL to do something to sessions of the service; false: it could not be asked.
bool to_sessions(Arena& arena, Random& random, const std::string& function) {
  const std::string share = std::to_string(20 + random.below(80));
  if (arena.postgres() == nullptr) return false;
  try {
    return arena.postgres()->query(
               "SELECT count(" + function +
               "(pid)) FROM pg_stat_activity"
               " WHERE application_name = 'txindexd' AND state IS NOT NULL AND pid % 100 < " +
               share) != "0";
  } catch (const pqxx::failure&) {
    return false;
  }
}

bool network_for(Arena& arena, Milliseconds time, const BadNetwork::Quality& quality) {
  arena.network().set(quality);
  arena.later(time, [&arena] { arena.network().set({}); });
  return true;
}

bool fill_disk(Arena& arena, Random& random) {
  const auto time = between(random, 500, 1500);
  if (arena.postgres() == nullptr) return false;
  auto* postgres = arena.postgres();
  arena.disk().fill();
  arena.postgres_away(time, [&arena, postgres] {
    arena.disk().free();
    if (!postgres->running()) postgres->start();
  });
  return true;
}

}  // namespace

const Act kill_worker = {"kill -9 of a worker", [](Arena& arena, Random& random) {
                           return signal_to(some_worker(arena, random), SIGKILL);
                         }};

// Now and then for longer than its queue waits for it (3 s).
const Act stop_worker = {"SIGSTOP of a worker", [](Arena& arena, Random& random) {
                           const auto time =
                               between(random, 100, random.below(4) == 0 ? 5000 : 1500);
                           return stop_for(arena, some_worker(arena, random), time);
                         }};

const Act kill_admin = {"kill -9 of the admin process", [](Arena& arena, Random&) {
                          return signal_to(arena.service().admin(), SIGKILL);
                        }};

const Act stop_admin = {"SIGSTOP of the admin process", [](Arena& arena, Random& random) {
                          return stop_for(arena, arena.service().admin(),
                                          between(random, 100, 1500));
                        }};

const Act kill_supervisor = {"kill -9 of the supervisor", [](Arena& arena, Random&) {
                               arena.service().kill_supervisor();
                               return true;
                             }};

const Act stop_supervisor = {"SIGSTOP of the supervisor", [](Arena& arena, Random& random) {
                               return stop_for(arena, arena.service().pid(),
                                               between(random, 100, 2000));
                             }};

const Act roll = {"rolling restart",
                  [](Arena& arena, Random&) { return signal_to(arena.service().pid(), SIGUSR2); }};

const Act reexec = {"re-execution of the supervisor",
                    [](Arena& arena, Random&) { return signal_to(arena.service().pid(), SIGHUP); }};

const Act postgres_kill = {"kill -9 of PostgreSQL", [](Arena& arena, Random& random) {
                             const auto time = between(random, 50, 800);
                             auto* postgres = arena.postgres();
                             if (postgres == nullptr) return false;
                             postgres->kill9();
                             arena.postgres_away(time, [postgres] { postgres->start(); });
                             return true;
                           }};

const Act postgres_immediate = {"immediate stop of PostgreSQL", [](Arena& arena, Random& random) {
                                  const auto time = between(random, 50, 800);
                                  auto* postgres = arena.postgres();
                                  if (postgres == nullptr) return false;
                                  postgres->stop(PostgresCluster::Mode::immediate);
                                  arena.postgres_away(time, [postgres] { postgres->start(); });
                                  return true;
                                }};

const Act postgres_pause = {"SIGSTOP of PostgreSQL", [](Arena& arena, Random& random) {
                              const auto time = between(random, 100, 2000);
                              auto* postgres = arena.postgres();
                              if (postgres == nullptr) return false;
                              postgres->pause();
                              arena.postgres_away(time, [postgres] { postgres->resume(); });
                              return true;
                            }};

// What is in its memory only is lost, as at a crash of the machine; a plain kill leaves what the
// kernel has been given. Does no harm where a commit waits for the disk.
const Act postgres_forgets = {
    "kill -9 of PostgreSQL, its log unwritten", [](Arena& arena, Random& random) {
      const auto time = between(random, 300, 900);
      auto* postgres = arena.postgres();
      if (postgres == nullptr) return false;
      const std::string writer =
          postgres->query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'");
      if (writer.empty()) return false;
      ::kill(static_cast<pid_t>(std::stol(writer)), SIGSTOP);
      arena.postgres_away(time, [postgres] {
        postgres->kill9();
        postgres->start();
      });
      return true;
    }};

const Act postgres_terminate = {"pg_terminate_backend", [](Arena& arena, Random& random) {
                                  return to_sessions(arena, random, "pg_terminate_backend");
                                }};

const Act postgres_cancel = {"statements cancelled", [](Arena& arena, Random& random) {
                               return to_sessions(arena, random, "pg_cancel_backend");
                             }};

// A request of this size is a batch: what comes back is the answer to its commit.
const Act cut_answer = {"cut between COMMIT and its answer", [](Arena& arena, Random& random) {
                          arena.proxy().cut_next_answer(2000 + random.below(2000));
                          return true;
                        }};

const Act fail_over = {"failover to the standby", [](Arena& arena, Random& random) {
                         const auto time = between(random, 50, 500);
                         if (arena.postgres() == nullptr) return false;
                         arena.fail_over(time);
                         return true;
                       }};

const Act disk_full = {"full tablespace", fill_disk};
const Act small_disk_full = {"full disk under all of PostgreSQL", fill_disk};

const Act lossy = {"loss", [](Arena& arena, Random& random) {
                     const double loss = 0.05 + 0.01 * static_cast<double>(random.below(20));
                     return network_for(arena, between(random, 300, 1200), {.loss = loss});
                   }};

const Act slow_and_reordered = {
    "delay and reordering", [](Arena& arena, Random& random) {
      const std::chrono::microseconds delay(random.below(40'000));
      const std::chrono::microseconds jitter(1000 + random.below(30'000));
      return network_for(arena, between(random, 300, 1200), {.delay = delay, .jitter = jitter});
    }};

const Act half_open = {"one direction cut", [](Arena& arena, Random& random) {
                         BadNetwork::Quality quality;
                         quality.reaches[random.below(2)] = false;
                         return network_for(arena, between(random, 300, 1500), quality);
                       }};

const Act partition = {"partition", [](Arena& arena, Random& random) {
                         BadNetwork::Quality quality;
                         quality.reaches = {false, false};
                         return network_for(arena, between(random, 300, 2000), quality);
                       }};

}  // namespace txindex::test::acts
