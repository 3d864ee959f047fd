// One sending thread of a load: many connections, each a Client, over one epoll.
//
// closed loop  every connection is kept full: as many unacknowledged as its window allows
// open loop    each transaction has its time on a schedule and goes to the next connection with
//              room; one that has to wait keeps its time
//
// The way of a transaction: taken from the supply, staged on a connection, recorded in the journal
// (all that were staged in a turn with one write), and only then submitted.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "txindex/client.h"
#include "txindex/result.h"

#include "tools/ack_gap.h"
#include "tools/journal.h"
#include "tools/latency_histogram.h"
#include "tools/load_schedule.h"
#include "tools/load_supply.h"

namespace txindex::tools {

// Microseconds since the start of the load; and the wall clock as it was then, carried on.
class LoadClock {
 public:
  LoadClock()
      : begin_(std::chrono::steady_clock::now()),
        wall_begin_us_(std::chrono::duration_cast<std::chrono::microseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count()) {}
  std::int64_t now_us() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                                 begin_)
        .count();
  }
  std::int64_t wall_us(std::int64_t now_us) const { return wall_begin_us_ + now_us; }

 private:
  const std::chrono::steady_clock::time_point begin_;
  const std::int64_t wall_begin_us_;
};

// What the threads of a load share.
struct LoadShared {
  enum Order { go, finish, abandon };  // finish: send no more, wait for the answers

  LoadShared(LoadSupply& what, const LoadClock& when) : supply(what), clock(when) {}
  LoadSupply& supply;
  const LoadClock& clock;
  AckGap gap;
  std::atomic<int> order = go;
  // For the line of progress.
  std::atomic<std::uint64_t> sent = 0;
  std::atomic<std::uint64_t> completed = 0;
  std::atomic<std::uint64_t> rejected = 0;
};

struct LoadResults {
  std::uint64_t total = 0;  // transactions handed to a connection, or that were about to be
  std::array<std::uint64_t, wire::kOutcomeCount> outcomes{};
  std::uint64_t completed = 0;
  std::uint64_t late = 0;    // open loop: sent more than kLoadLateUs after their time
  std::uint64_t unsent = 0;  // open loop: not sent at all, though their time had come
  std::uint64_t resent = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t refused = 0;  // these three as Client::Counters has them
  std::uint64_t reset = 0;
  std::uint64_t hung = 0;
  std::int64_t starved_us = 0;   // it could have sent, and nothing was made yet
  std::int64_t last_ack_us = 0;  // since the start
  // Microseconds until the outcome; of those without one, what they have waited.
  LatencyHistogram latency;
  std::optional<Failure> failure;  // the first

  std::uint64_t unacknowledged() const { return total - completed; }
  std::uint64_t rejected() const { return completed - outcomes[0] - outcomes[1]; }
  void merge(const LoadResults& other);
};

inline constexpr std::int64_t kLoadLateUs = 10'000;

class LoadDriver {
 public:
  struct Options {
    Client::Options client;
    std::uint32_t first_connection = 0;  // their numbers in the journal go on from here
    unsigned connections = 1;
    std::optional<LoadSchedule> schedule;  // none: closed loop
    std::optional<std::int64_t> end_us;    // since the start; none: until the supply is over
    std::size_t run = 64;                  // how many a connection gets in a row, at most
  };

  LoadDriver(Options options, LoadShared& shared, std::optional<journal::Writer> journal);
  ~LoadDriver();
  LoadDriver(const LoadDriver&) = delete;
  LoadDriver& operator=(const LoadDriver&) = delete;

  // Sends all, waits for the answers. On a thread of its own.
  void run();
  // Any thread: look at the order again.
  void wake();
  // After run().
  const LoadResults& results() const { return results_; }

 private:
  struct Staged {
    std::shared_ptr<const Pack> pack;
    std::size_t index;
    std::uint64_t sequence;
    std::int64_t stamp_us;
    std::int64_t time_us;  // open loop: of the schedule; closed loop: when it was staged
  };
  struct Pending {
    std::uint64_t sequence;
    std::int64_t time_us;  // from when its latency counts
  };
  struct Lane {
    Lane(LoadDriver& driver, std::uint32_t number, const Client::Options& options);
    const std::uint32_t number;       // in this driver
    std::uint64_t next_sequence = 0;  // to be staged
    std::deque<Staged> staged;        // recorded, or about to be
    std::deque<Pending> pending;      // submitted, without an outcome
    bool failed = false;
    // What the epoll was told last: of which of the client's sockets, and what to wait for.
    std::uint64_t watched_socket = 0;
    int watched_events = 0;
    Client client;
  };

  void check_end();
  void feed();
  std::size_t feed_lane(Lane& lane, std::size_t most);
  bool refill();
  void record_sends();
  void submit_staged(Lane& lane);
  void serve(Lane& lane);
  void watch(Lane& lane);
  void on_outcome(Lane& lane, wire::Outcome outcome);
  void complete(const Lane& lane, const Pending& done, wire::Outcome outcome);
  void publish();
  void wait();
  void sweep();
  std::int64_t wait_until_us() const;
  void watch_supply(bool wanted);
  void fail(const Failure& why);
  bool all_answered() const;
  void settle();

  const Options options_;
  LoadShared& shared_;
  std::optional<journal::Writer> journal_;
  LoadResults results_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<Lane*> fed_;  // in this turn, or with something left from an earlier one
  std::size_t next_lane_ = 0;

  int epoll_ = -1;
  int wakeup_ = -1;
  bool feeding_ = true;
  bool more_room_ = false;  // feed() stopped so that others are served too
  bool supply_watched_ = false;
  std::int64_t now_us_ = 0;   // of this turn
  std::int64_t turn_us_ = 0;  // open loop: sleeps so long, unless woken
  std::int64_t next_sweep_us_ = 0;
  std::optional<std::int64_t> starved_since_us_;
  std::uint64_t issued_ = 0;  // open loop: of the schedule

  std::shared_ptr<const Pack> pack_;  // being used up
  std::size_t pack_at_ = 0;

  // Of this turn, for those who share.
  std::uint64_t sent_now_ = 0;
  std::uint64_t answered_now_ = 0;  // by the server
  std::uint64_t completed_now_ = 0;
  std::uint64_t rejected_now_ = 0;
};

}  // namespace txindex::tools
