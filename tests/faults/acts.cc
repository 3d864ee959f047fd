// Acts on the processes of the service, and on the network.
#include <signal.h>

#include <algorithm>
#include <fstream>

#include "faults/acts_inside.h"
#include "support/process.h"
#include "support/server.h"

namespace txindex::test::acts {
namespace {

using Part = Act::Part;

constexpr const char* kKilled = "was killed by signal 9";
// A connection is left when its server has been silent for half of the time after which the load
// gives up (10 s), or for 20 s; another attempt comes through when this is over.
constexpr Milliseconds kUntilLeft{5600};
constexpr Milliseconds kUntilLeftUsually{22000};
constexpr Milliseconds kUntilStopped{1000};

pid_t some_worker(Arena& arena, Random& random) {
  const std::size_t pick = random.below(1000);
  const auto pids = arena.service().workers();
  return pids.empty() ? 0 : pids[pick % pids.size()];
}

bool is_stopped(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(stat, line);
  const auto end = line.rfind(')');
  return end != std::string::npos && end + 2 < line.size() && line[end + 2] == 'T';
}

bool stop_for(Arena& arena, pid_t pid, Milliseconds time) {
  if (pid == 0) return false;
  ::kill(pid, SIGSTOP);
  arena.later(time, [pid] {
    if (is_stopped(pid)) ::kill(pid, SIGCONT);
  });
  return true;
}

// `act` is seen when the process stands still. Of one that answers no load.
bool stop_seen(Arena& arena, const char* act, pid_t pid, Milliseconds time) {
  if (!stop_for(arena, pid, time)) return false;
  if (eventually([pid] { return is_stopped(pid); }, kUntilStopped)) arena.saw(act);
  return true;
}

bool signal_to(pid_t pid, int number) {
  return pid != 0 && ::kill(pid, number) == 0;
}

// Seen, and connections were given up.
template <const Act& act>
std::uint64_t given_up(const Outcome& outcome) {
  return std::min(seen<act>(outcome),
                  static_cast<std::uint64_t>(outcome.load.at("connections_hung")));
}

BadNetwork::Quality one_way(Random& random) {
  BadNetwork::Quality quality;
  quality.reaches[random.below(2)] = false;
  return quality;
}

bool cut(Arena& arena, const char* act, Milliseconds time, const BadNetwork::Quality& quality) {
  arena.network_bad(act, time, quality, &BadNetwork::lost);
  return true;
}

constexpr BadNetwork::Quality kNothingPasses = {.reaches = {false, false}};

}  // namespace

const Act kill_worker = {
    "kill -9 of a worker", Part::processes,
    [](Arena& arena, Random& random) { return signal_to(some_worker(arena, random), SIGKILL); },
    [](const Outcome& o) {
      return o.logged({kKilled, "child=\"worker"});
    }};

// Now and then for longer than its queue waits for it (3 s).
const Act stop_worker = {"SIGSTOP of a worker", Part::processes,
                         [](Arena& arena, Random& random) {
                           const auto time =
                               between(random, 300, random.below(4) == 0 ? 5000 : 1500);
                           const pid_t pid = some_worker(arena, random);
                           if (!stop_for(arena, pid, time)) return false;
                           arena.watch_standstill(stop_worker.name, time);
                           return true;
                         },
                         seen<stop_worker>};

const Act kill_admin = {
    "kill -9 of the admin process", Part::processes,
    [](Arena& arena, Random&) { return signal_to(arena.service().admin(), SIGKILL); },
    [](const Outcome& o) {
      return o.logged({kKilled, "child=admin"});
    }};

const Act stop_admin = {"SIGSTOP of the admin process", Part::processes,
                        [](Arena& arena, Random& random) {
                          return stop_seen(arena, stop_admin.name, arena.service().admin(),
                                           between(random, 200, 1500));
                        },
                        seen<stop_admin>};

const Act kill_supervisor = {
    "kill -9 of the supervisor", Part::processes,
    [](Arena& arena, Random&) {
      arena.service().kill_supervisor();
      return true;
    },
    [](const Outcome& o) { return static_cast<std::uint64_t>(o.service_starts - 1); }};

const Act stop_supervisor = {"SIGSTOP of the supervisor", Part::processes,
                             [](Arena& arena, Random& random) {
                               return stop_seen(arena, stop_supervisor.name, arena.service().pid(),
                                                between(random, 200, 2000));
                             },
                             seen<stop_supervisor>};

constexpr const char* kRenewed = "this is the supervisor from now on";

const Act roll = {"rolling restart", Part::processes,
                  [](Arena& arena, Random&) { return signal_to(arena.service().pid(), SIGUSR2); },
                  [](const Outcome& o) { return o.logged({"a rolling restart begins"}); }};

const Act reexec = {"re-execution of the supervisor", Part::processes,
                    [](Arena& arena, Random&) {
                      arena.await_line(kRenewed);
                      return signal_to(arena.service().pid(), SIGHUP);
                    },
                    [](const Outcome& o) { return o.logged({kRenewed}); }};

const Act lossy = {"loss", Part::network,
                   [](Arena& arena, Random& random) {
                     const double loss = 0.05 + 0.01 * static_cast<double>(random.below(20));
                     return cut(arena, lossy.name, between(random, 300, 1200), {.loss = loss});
                   },
                   seen<lossy>};

const Act slow_and_reordered = {
    "delay and reordering", Part::network,
    [](Arena& arena, Random& random) {
      const std::chrono::microseconds delay(random.below(40'000));
      const std::chrono::microseconds jitter(5000 + random.below(30'000));
      arena.network_bad(slow_and_reordered.name, between(random, 300, 1200),
                        {.delay = delay, .jitter = jitter}, &BadNetwork::overtaken);
      return true;
    },
    seen<slow_and_reordered>};

const Act half_open = {"one direction cut", Part::network,
                       [](Arena& arena, Random& random) {
                         return cut(arena, half_open.name, between(random, 300, 1500),
                                    one_way(random));
                       },
                       seen<half_open>};

const Act long_half_open = {"one direction cut for long", Part::network,
                            [](Arena& arena, Random& random) {
                              return cut(arena, long_half_open.name, kUntilLeft, one_way(random));
                            },
                            given_up<long_half_open>};

const Act partition = {"partition", Part::network,
                       [](Arena& arena, Random& random) {
                         return cut(arena, partition.name, between(random, 300, 2000),
                                    kNothingPasses);
                       },
                       seen<partition>};

const Act long_partition = {"partition for long", Part::network,
                            [](Arena& arena, Random&) {
                              return cut(arena, long_partition.name, kUntilLeft, kNothingPasses);
                            },
                            given_up<long_partition>};

const Act very_long_partition = {"partition for very long", Part::network,
                                 [](Arena& arena, Random&) {
                                   return cut(arena, very_long_partition.name, kUntilLeftUsually,
                                              kNothingPasses);
                                 },
                                 given_up<very_long_partition>, true};

}  // namespace txindex::test::acts
