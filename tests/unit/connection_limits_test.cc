// What a connection does about peers that want too much: of the second, of the budget, of the
// places.
#include <sys/resource.h>

#include <deque>
#include <set>

#include "unit/timed_connection_fixture.h"

namespace txindex::net {
namespace {

class ConnectionLimitsTest : public TimedConnectionTest {};

TEST_F(ConnectionLimitsTest, PingsBeyondTheirNumberWaitForTheNextSecond) {
  RawClient client(port_);
  client.hello();
  on_loop([] {});
  const auto before = stat(stats::Word::sent_bytes);
  constexpr int kSeconds = 3;
  client.send(pings_of(kSeconds * static_cast<int>(limits::kPingsPerSecondMax)));
  for (int second = 1; second <= kSeconds; ++second) {
    for (unsigned i = 0; i < limits::kPingsPerSecondMax; ++i)
      ASSERT_EQ(client.receive_frame()->type, 0x84);
    on_loop([] {});
    EXPECT_EQ(stat(stats::Word::sent_bytes),
              before + 13U * limits::kPingsPerSecondMax * static_cast<unsigned>(second));
    pass(1);
  }
}

TEST_F(ConnectionLimitsTest, EmptyLinesAreCountedAsPingsAre) {
  RawClient client(port_);
  Sent lines(limits::kPingsPerSecondMax, '\n');
  lines.insert(lines.end(), {'?', '\n'});
  send_and_wait(client, lines);
  EXPECT_EQ(stat(stats::Word::sent_bytes), 0U);
  pass(1);
  EXPECT_EQ(client.receive_line(), "rejected malformed not base64");
}

Sent worthless_lines(unsigned n) {
  Sent lines;
  for (unsigned i = 0; i < n; ++i)
    lines.insert(lines.end(), {'!', '\n'});
  return lines;
}

// They cost nothing to send, and hold no credit.
TEST_F(ConnectionLimitsTest, RejectedTransactionsBeyondTheirNumberWaitForTheNextSecond) {
  RawClient client(port_);
  client.send(worthless_lines(limits::kRejectedPerSecondMax + 100));
  const auto rejected = [&] { return stat(stats::Word::outcome_malformed); };
  EXPECT_TRUE(eventually([&] { return rejected() == limits::kRejectedPerSecondMax; }));
  on_loop([] {});
  EXPECT_EQ(rejected(), limits::kRejectedPerSecondMax);
  EXPECT_GT(stat(stats::Word::share_waits), 0U);
  pass(1);
  EXPECT_TRUE(eventually([&] { return rejected() == limits::kRejectedPerSecondMax + 100; }));
}

// Many that keep to their own number are too many together; who sends little of it is not slowed.
TEST_F(ConnectionLimitsTest, WhatIsWorthNothingHasALimitOfTheWorkerToo) {
  constexpr unsigned kFull = limits::kWorthlessPerSecondMax / limits::kRejectedPerSecondMax;
  std::vector<std::unique_ptr<RawClient>> crowd;
  for (unsigned i = 0; i < kFull; ++i) {
    crowd.push_back(std::make_unique<RawClient>(port_));
    crowd.back()->send(worthless_lines(limits::kRejectedPerSecondMax));
  }
  const auto rejected = [&] { return stat(stats::Word::outcome_malformed); };
  EXPECT_TRUE(eventually([&] { return rejected() == limits::kWorthlessPerSecondMax; }));
  RawClient late(port_);
  late.send(worthless_lines(2 * limits::kWorthlessShare));
  const auto expected = limits::kWorthlessPerSecondMax + limits::kWorthlessShare;
  EXPECT_TRUE(eventually([&] { return rejected() == expected; }));
  on_loop([] {});
  EXPECT_EQ(rejected(), expected);
  pass(1);
  EXPECT_TRUE(eventually([&] { return rejected() == expected + limits::kWorthlessShare; }));
}

TEST_F(ConnectionLimitsTest, NothingComesBeforeHello) {
  RawClient client(port_);
  client.send(Sent{0, 'T', 'X', 'I'});
  client.send(pings_of(1));
  expect_error(client, 4, "HELLO is the first frame");
}

TEST_F(ConnectionLimitsTest, AnAddressWithTooManyConnectionsIsToldSoUntilOneEnds) {
  stop();
  limits_.per_address = 2;
  start(1 << 20);
  RawClient first(port_);
  auto second = std::make_unique<RawClient>(port_);
  first.hello();
  second->hello();
  RawClient third(port_);
  third.send(Sent{0, 'T', 'X', 'I', 4, 0, 0, 0, 1, 1, 0, 0});
  expect_error(third, 9,
               "2 connections from this address are all that a worker takes "
               "(limits.max_connections_per_address)");
  EXPECT_EQ(stat(stats::Word::connections_refused), 1U);
  third.half_close();
  second->reset();
  wait_for_connections(1);
  RawClient fourth(port_);
  EXPECT_EQ(fourth.hello().size(), 17U);
}

TEST_F(ConnectionLimitsTest, ThoseWhoAreRefusedDoNotTakeThePlacesOfOthers) {
  stop();
  limits_.per_address = 1;
  max_connections_ = 1000;
  start(1 << 20);
  RawClient first(port_);
  first.hello();
  constexpr std::size_t kCrowd = 3 * limits::kRefusalsMax;
  std::vector<std::unique_ptr<RawClient>> crowd;
  for (std::size_t i = 0; i < kCrowd; ++i)
    crowd.push_back(std::make_unique<RawClient>(port_));
  ASSERT_TRUE(eventually([&] { return stat(stats::Word::connections_refused) == kCrowd; }));
  EXPECT_LE(stat(stats::Word::connections_open), 1 + limits::kRefusalsMax);
  for (auto& each : crowd)
    each->half_close();
  wait_for_connections(1);
}

TEST_F(ConnectionLimitsTest, AGreedyConnectionLeavesHalfOfTheBudgetToTheNext) {
  stop();
  constexpr std::size_t kBudget = 32 * limits::kLargeChunkBytes;
  start(kBudget);
  RawClient honest(port_);
  honest.hello();
  honest.send_tx({1});
  ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  RawClient greedy(port_);
  greedy.hello();
  std::uint64_t sent = 0;
  std::jthread sender([&] {
    for (; sent < 4000; ++sent)
      greedy.send_tx(Sent(1000, 2));
  });
  ASSERT_TRUE(eventually([&] { return stat(stats::Word::share_waits) > 0; }));
  on_loop([] {});
  EXPECT_LE(stat(stats::Word::in_flight_bytes), kBudget / 2 + limits::kLargeChunkBytes);
  // Nothing has its outcome yet, and the other one is read all the same.
  const auto before = waiting();
  for (int i = 0; i < 300; ++i)
    honest.send_tx(Sent(1000, 3));
  EXPECT_TRUE(eventually([&] { return waiting() >= before + 300; })) << waiting();
  while (received_ < 1 + 300 + 4000)
    answer_all(Outcome::committed);
  answer_all(Outcome::committed);
  sender.join();
  EXPECT_EQ(greedy.receive_acks(4000).size(), 4000U);
  EXPECT_EQ(honest.receive_acks(301).size(), 301U);
}

// A stage behind has room for what one reads, and no more: the gate is held again after it.
class ConnectionTurnsTest : public ConnectionTest {
 protected:
  struct Client {
    explicit Client(std::uint16_t port) : raw(port) {}
    RawClient raw;
    Sent frames;
    std::size_t sent = 0;
  };

  // So many, each with something in flight and more to send than is read in so many turns; they
  // wait at the gate.
  void begin(std::uint8_t clients, unsigned turns) {
    stop();
    start(1 << 24);
    for (std::uint8_t n = 0; n < clients; ++n) {
      auto& client = clients_.emplace_back(port_);
      client.raw.hello();
      client.raw.send_tx({n});
      const Sent transaction(1000, n);
      for (std::size_t bytes = 0; bytes < 2 * turns * limits::kLargeChunkBytes; bytes += 1007) {
        client.frames.insert(client.frames.end(), {0xeb, 0x03, 0, 0, 2, 1, 0});
        client.frames.insert(client.frames.end(), transaction.begin(), transaction.end());
      }
    }
    ASSERT_TRUE(eventually([&] { return waiting() == clients; }));
    on_loop([this] {
      turns_.clear();
      read_while_held_.clear();
      holds_ = true;
      parts_->gate.hold();
    });
    wait_for(clients);
  }

  // Everybody has something to be read, and so many have asked the gate since the last time.
  void wait_for(unsigned more) {
    asked_ += more;
    for (auto& client : clients_)
      client.sent += client.raw.send_what_fits(std::span(client.frames).subspan(client.sent));
    ASSERT_TRUE(eventually([&] { return stat(stats::Word::in_flight_waits) == asked_; }));
  }

  // Whose turn it was, and lets the rest go.
  std::vector<int> end() {
    std::vector<int> turns;
    on_loop([&] {
      turns.swap(turns_);
      holds_ = false;
      at_once_ = true;
      parts_->gate.release();
    });
    clients_.clear();
    return turns;
  }

  void receive(flow::Ticket ticket, const wire::TxFrame& tx, const ReadTime& time) override {
    if (parts_->gate.held()) {
      read_while_held_.insert(tx.transaction[0]);
    } else {
      turns_.push_back(tx.transaction[0]);
    }
    if (holds_) parts_->gate.hold();
    ConnectionTest::receive(std::move(ticket), tx, time);
  }

  std::deque<Client> clients_;
  std::uint64_t asked_ = 0;
  bool holds_ = false;
  std::vector<int> turns_;
  std::set<int> read_while_held_;
};

TEST_F(ConnectionTurnsTest, WhoWasReadWaitsBehindWhoWasNot) {
  constexpr std::uint8_t kClients = 3;
  constexpr unsigned kTurns = 4 * kClients;
  ASSERT_NO_FATAL_FAILURE(begin(kClients, kTurns));
  for (unsigned turn = 0; turn < kTurns; ++turn) {
    on_loop([this] { parts_->gate.release(); });
    ASSERT_NO_FATAL_FAILURE(wait_for(kClients));
  }
  const auto turns = end();
  ASSERT_EQ(turns.size(), kTurns);
  EXPECT_EQ(std::set(turns.begin(), turns.begin() + kClients).size(), kClients);
  for (unsigned turn = kClients; turn < kTurns; ++turn)
    EXPECT_EQ(turns[turn], turns[turn - kClients]) << turn;
}

// Who was woken in vain, and has its answers then, is read a little though the gate is held.
TEST_F(ConnectionTurnsTest, ALittleThatIsReadWhileTheGateIsHeldIsNotATurn) {
  ASSERT_NO_FATAL_FAILURE(begin(2, 2));
  on_loop([this] { parts_->gate.release(); });
  ASSERT_NO_FATAL_FAILURE(wait_for(2));
  int other = 0;
  on_loop([&] {
    other = 1 - turns_.at(0);
    read_while_held_.clear();
    std::vector<Waiting> kept;
    for (auto& each : waiting_) {
      if (each.bytes[0] == other) {
        each.ticket.complete(Outcome::committed, {}, each.bytes);
      } else {
        kept.push_back(std::move(each));
      }
    }
    waiting_.swap(kept);
    connections_->flush();
  });
  ASSERT_NO_FATAL_FAILURE(wait_for(1));
  on_loop([&] { EXPECT_EQ(read_while_held_, std::set{other}); });
  on_loop([this] { parts_->gate.release(); });
  ASSERT_NO_FATAL_FAILURE(wait_for(2));
  const auto turns = end();
  ASSERT_EQ(turns.size(), 2U);
  EXPECT_EQ(turns[1], other);
}

// Lowers what this process may open, to what it has open already.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{3, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST_F(ConnectionLimitsTest, WithoutDescriptorsThoseWhoComeWaitAndNobodySpins) {
  RawClient before(port_);
  before.hello();
  std::unique_ptr<RawClient> client;
  std::optional<NoMoreDescriptors> none;
  on_loop([&] {
    client = std::make_unique<RawClient>(port_);
    none.emplace();
  });
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(eventually([&] { return stat(stats::Word::accept_errors) >= 5; }));
  const auto errors = stat(stats::Word::accept_errors);
  const auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_LE(errors, 2U + static_cast<std::uint64_t>(took / std::chrono::milliseconds(20)));
  before.send_frame(0x03, Sent(8, 1));
  EXPECT_EQ(before.receive_frame()->type, 0x84) << "those who are there are served";
  none.reset();
  EXPECT_EQ(client->hello().size(), 17U);
}

}  // namespace
}  // namespace txindex::net
