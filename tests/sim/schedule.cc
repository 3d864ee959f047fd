#include "sim/schedule.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include "sim/chance.h"
#include "sim/fake_client.h"
#include "sim/fake_database.h"
#include "sim/fake_worker.h"
#include "sim/transactions.h"

namespace txindex::sim {
namespace {

constexpr std::size_t kClientsMax = 4;
constexpr std::size_t kStepsTroubledMax = 400;
// Far more than any schedule needs when everybody behaves.
constexpr std::size_t kStepsMax = 20'000;

class Schedule {
 public:
  Schedule(std::uint64_t seed, bool print)
      : chance_(seed, print),
        kinds_(seed),
        database_(chance_, kinds_, FakeWorker::kRule, trouble()),
        worker_(chance_, kinds_, database_) {
    for (std::size_t n = 1 + chance_.below(kClientsMax); n > 0; --n)
      connect();
  }

  Outcome run() {
    const std::size_t troubled = chance_.below(kStepsTroubledMax);
    // A drain at any time, or when everybody is served.
    const std::size_t drain_at = chance_.percent(60) ? chance_.below(kStepsTroubledMax) : kStepsMax;
    std::size_t steps = 0;
    for (; !worker_.has_left(); ++steps) {
      check(steps < kStepsMax, "a drain ends, and everybody is served before");
      if (steps == troubled) calm();
      if (steps == drain_at || (steps > troubled && everybody_is_gone())) drain();
      step();
      worker_.check_bounds();
    }
    while (database_.something_late())
      database_.execute_something_late();
    check_end();
    return {chance_.fingerprint(), tally()};
  }

 private:
  unsigned trouble() {
    constexpr std::array<unsigned, 4> chances = {0, 3, 15, 40};
    return chances[chance_.below(chances.size())];
  }

  void connect() {
    std::array<int, 2> ends{};
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0,
          "there is a pair of sockets");
    if (chance_.percent(30)) {
      // Takes a few acknowledgements that the client has not read.
      const int little = 1;
      ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
    }
    worker_.add(ends[0]);
    clients_.push_back(std::make_unique<FakeClient>(clients_.size(), ends[1], chance_, kinds_,
                                                    database_, worker_));
  }

  // Trouble ends; what is under way has to come to its end.
  void calm() {
    chance_.note("calm");
    database_.calm();
    for (auto& client : clients_)
      client->behave();
  }

  bool everybody_is_gone() const {
    return std::all_of(clients_.begin(), clients_.end(),
                       [](const auto& client) { return client->gone(); });
  }

  void drain() {
    if (worker_.draining()) return;
    chance_.note("drain");
    drained_early_ = !everybody_is_gone();
    worker_.drain();
  }

  // One step of one party. Time passes when nobody else can do anything, and now and then.
  void step() {
    const std::size_t parties = clients_.size() + 3;
    const std::size_t first = chance_.below(parties);
    for (std::size_t i = 0; i < parties; ++i) {
      if (one_step((first + i) % parties)) return;
    }
    worker_.let_time_pass();
  }

  bool one_step(std::size_t party) {
    if (party < clients_.size()) return client_step(*clients_[party]);
    switch (party - clients_.size()) {
      case 0:
        return worker_.loop_step();
      case 1:
        return worker_.thread_step();
      default:
        return world_step();
    }
  }

  bool client_step(FakeClient& client) {
    if (client.gone()) return false;
    if (client.dawdles() && !chance_.percent(3)) return false;
    client.maybe_vanish();
    if (client.gone()) {
      worker_.something_came();
      return true;
    }
    if (client.can_write() && chance_.percent(60)) {
      client.write();
      worker_.something_came();
      return true;
    }
    const bool read = client.read();
    if (read || client.gone()) {
      client.writable_again();
      worker_.something_came();
    }
    if (!read && client.can_write()) {
      client.write();
      worker_.something_came();
      return true;
    }
    return read;
  }

  bool world_step() {
    if (database_.something_late() && chance_.percent(30)) {
      ++late_;
      database_.execute_something_late();
      return true;
    }
    if (database_.troubled() && chance_.percent(10)) {
      chance_.percent(70) ? database_.toggle() : database_.drop_a_partition();
      return true;
    }
    if (chance_.percent(20)) {
      worker_.let_time_pass();
      return true;
    }
    return false;
  }

  void check_end() {
    worker_.check_end();
    std::size_t answered = 0;
    std::size_t told_committed = 0;
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      FakeClient& client = *clients_[i];
      while (!client.gone() && client.read()) {
      }
      check(client.gone(), "a client that behaves is let go", i);
      answered += client.answered();
      told_committed += client.told_committed();
      // Told is who was there when the drain began; the others have their answers.
      check(client.vanished() || client.told_to_drain() || client.told_late() ||
                client.answered_in_full(),
            "everything that was sent is answered", i);
    }
    check(vanished() > 0 || answered == worker_.received(),
          "everything that was received is answered");
    check(vanished() > 0 || told_committed == worker_.tally().committed,
          "clients are told what became of their transactions");
    worker_.check_table();
  }

  Tally tally() const {
    Tally t = worker_.tally();
    t.schedules = 1;
    t.late = late_;
    t.drained_early = drained_early_ ? 1 : 0;
    t.vanished = vanished();
    return t;
  }

  std::size_t vanished() const {
    return static_cast<std::size_t>(std::count_if(
        clients_.begin(), clients_.end(), [](const auto& client) { return client->vanished(); }));
  }

  Chance chance_;
  const Kinds kinds_;
  FakeDatabase database_;
  FakeWorker worker_;
  std::vector<std::unique_ptr<FakeClient>> clients_;
  bool drained_early_ = false;
  std::uint64_t late_ = 0;
};

std::uint64_t seed_under_way = 0;

}  // namespace

void broken(const char* promise, std::uint64_t who) {
  std::fprintf(stderr, "broken: %s (%llu)\n", promise, static_cast<unsigned long long>(who));
  std::abort();
}

std::uint64_t current_seed() {
  return seed_under_way;
}

void Tally::add(const Tally& other) {
  schedules += other.schedules;
  received += other.received;
  committed += other.committed;
  duplicates += other.duplicates;
  bisections += other.bisections;
  ambiguous += other.ambiguous;
  retries += other.retries;
  late += other.late;
  gate_waits += other.gate_waits;
  gate_holds += other.gate_holds;
  batches_full += other.batches_full;
  drained_early += other.drained_early;
  vanished += other.vanished;
  overdue += other.overdue;
}

Outcome run_schedule(std::uint64_t seed, bool print) {
  seed_under_way = seed;
  Schedule schedule(seed, print);
  return schedule.run();
}

}  // namespace txindex::sim
