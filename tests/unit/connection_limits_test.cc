// What a connection does about peers that owe it something, and about those that want too much.
// The seconds of the deadlines are passed in.
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>

#include "access/guard.h"
#include "flow/clock.h"
#include "support/certificates.h"
#include "unit/connection_fixture.h"

namespace txindex::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

class ConnectionLimitsTest : public ConnectionTest {
 protected:
  // As the worker does every second.
  void pass(int seconds) {
    on_loop([&] { pass_on_loop(seconds); });
  }
  void pass_on_loop(int seconds) {
    for (int s = 0; s < seconds; ++s)
      connections_->tend(now_ += kSecond);
  }
  // Sends, and returns when the server has read it.
  void send_and_wait(RawClient& client, const Sent& bytes) {
    const auto before = stat(stats::Word::received_bytes);
    client.send(bytes);
    ASSERT_TRUE(
        eventually([&] { return stat(stats::Word::received_bytes) == before + bytes.size(); }));
    on_loop([] {});
  }
  void expect_error(RawClient& client, std::uint16_t code, const std::string& text) {
    auto frame = client.receive_frame();
    while (frame && frame->type == 0x82)  // that the server lives
      frame = client.receive_frame();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->type, 0x83);
    EXPECT_EQ(frame->body[0] | frame->body[1] << 8, code);
    EXPECT_EQ(text_of(*frame), text);
    EXPECT_FALSE(client.receive_frame());
  }
  void wait_for_connections(std::size_t count) {
    ASSERT_TRUE(eventually([&] { return stat(stats::Word::connections_open) == count; }));
  }

  struct Ends {
    std::unique_ptr<RawClient> client;
    int server;  // the connection's
  };
  Ends connect() {
    const int listening = *open_listener({"127.0.0.1", 0});
    sockaddr_in address{};
    socklen_t length = sizeof address;
    getsockname(listening, reinterpret_cast<sockaddr*>(&address), &length);
    Ends ends{std::make_unique<RawClient>(ntohs(address.sin_port)), -1};
    EXPECT_TRUE(
        eventually([&] { return (ends.server = ::accept(listening, nullptr, nullptr)) >= 0; }));
    ::close(listening);
    on_loop([&] { connections_->add({*loop_, boost::asio::ip::tcp::v4(), ends.server}); });
    return ends;
  }
};

// --- Deadlines ---------------------------------------------------------------------------------

TEST_F(ConnectionLimitsTest, WhoOnlyConnectsIsToldAndLeft) {
  RawClient client(port_);
  wait_for_connections(1);
  pass(10);
  EXPECT_EQ(stat(stats::Word::overdue_hello), 0U);
  pass(1);
  expect_error(client, 8, "no preface and HELLO, and no line, within 10 s");
  EXPECT_EQ(stat(stats::Word::overdue_hello), 1U);
}

TEST_F(ConnectionLimitsTest, APrefaceAndHelloThatDripAreStillLate) {
  RawClient client(port_);
  wait_for_connections(1);
  for (const std::uint8_t byte : Sent{0, 'T', 'X', 'I', 4, 0, 0, 0, 1, 1, 0}) {
    send_and_wait(client, {byte});
    pass(1);
  }
  expect_error(client, 8, "no preface and HELLO, and no line, within 10 s");
}

TEST_F(ConnectionLimitsTest, AFrameThatDripsIsLateHoweverSteadilyItComes) {
  RawClient client(port_);
  client.hello();
  send_and_wait(client, {100, 0, 0, 0, 2});
  for (int i = 0; i < 30; ++i) {
    pass(1);
    send_and_wait(client, {1});
  }
  EXPECT_EQ(stat(stats::Word::overdue_frame), 0U);
  pass(1);
  expect_error(client, 8, "a frame was not whole within 30 s");
  EXPECT_EQ(stat(stats::Word::overdue_frame), 1U);
  EXPECT_EQ(stat(stats::Word::connections_broken), 0U);
}

TEST_F(ConnectionLimitsTest, EachFrameHasItsOwnTime) {
  RawClient client(port_);
  client.hello();
  for (int i = 0; i < 5; ++i) {
    send_and_wait(client, {9, 0, 0, 0, 3});
    pass(25);
    // The rest of this one, and the beginning of the next.
    send_and_wait(client, {1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 3});
    pass(25);
    send_and_wait(client, {1, 2, 3, 4, 5, 6, 7, 8});
    for (int pong = 0; pong < 2; ++pong) {
      const auto frame = client.receive_frame();
      ASSERT_TRUE(frame);
      EXPECT_EQ(frame->type, 0x84);
    }
  }
}

TEST_F(ConnectionLimitsTest, ALineThatDripsIsLateInWords) {
  RawClient client(port_);
  send_and_wait(client, {'A', 'Q'});
  pass(31);
  EXPECT_EQ(client.receive_line(), "error a line was not whole within 30 s");
  EXPECT_EQ(client.receive_line(), std::nullopt);
  EXPECT_EQ(stat(stats::Word::overdue_frame), 1U);
}

TEST_F(ConnectionLimitsTest, AnIdleConnectionIsDrainedAndPingIsLife) {
  RawClient client(port_);
  client.hello();
  const Sent ping = {9, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8};
  for (int i = 0; i < 3; ++i) {
    pass(550);
    send_and_wait(client, ping);
    EXPECT_EQ(client.receive_frame()->type, 0x84);
  }
  pass(601);
  const auto drain = client.receive_frame();
  ASSERT_TRUE(drain);
  EXPECT_EQ(drain->type, 0x85);
  EXPECT_FALSE(client.receive_frame());
  EXPECT_EQ(stat(stats::Word::overdue_idle), 1U);
}

TEST_F(ConnectionLimitsTest, AnIdleLineConnectionIsToldInWordsAndAnEmptyLineIsLife) {
  RawClient client(port_);
  send_and_wait(client, {'\n'});
  pass(550);
  send_and_wait(client, {'\r', '\n'});
  pass(550);
  EXPECT_EQ(stat(stats::Word::overdue_idle), 0U);
  pass(51);
  EXPECT_EQ(client.receive_line(), "error nothing was said for 600 s");
  EXPECT_EQ(client.receive_line(), std::nullopt);
}

TEST_F(ConnectionLimitsTest, WhoWaitsForAnswersIsNeverLate) {
  RawClient client(port_);
  client.hello();
  client.send_tx({1});
  ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  pass(1000);
  answer_all(Outcome::committed);
  EXPECT_EQ(client.receive_acks(1).size(), 1U);
}

TEST_F(ConnectionLimitsTest, TimeInWhichTheServerDoesNotReadIsNotThePeers) {
  RawClient client(port_);
  client.hello();
  client.send_tx({1});
  ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  // As while PostgreSQL is away: half a frame comes, and the gate keeps the server from the rest.
  send_and_wait(client, {20, 0, 0, 0});
  on_loop([this] { parts_->gate.hold(); });
  client.send(Sent{2, 1, 0});
  ASSERT_TRUE(eventually([&] { return stat(stats::Word::in_flight_waits) == 1; }));
  pass(1000);
  EXPECT_EQ(stat(stats::Word::overdue_frame), 0U);
  on_loop([this] { parts_->gate.release(); });
  on_loop([] {});
  pass(30);
  EXPECT_EQ(stat(stats::Word::overdue_frame), 0U) << "its time begins when it is read again";
  client.send(Sent(17, 7));
  EXPECT_TRUE(eventually([&] { return waiting() == 2; }));
}

TEST_F(ConnectionLimitsTest, WhatHasComeIsReadBeforeItIsCalledLate) {
  RawClient client(port_);
  client.hello();
  send_and_wait(client, {9, 0, 0, 0, 3, 1, 2});
  on_loop([&] {
    // The loop is busy with something else while the rest comes.
    client.send(Sent{3, 4, 5, 6, 7, 8});
    pass_on_loop(100);
  });
  EXPECT_EQ(client.receive_frame()->type, 0x84);
  EXPECT_EQ(stat(stats::Word::overdue_frame), 0U);
}

TEST_F(ConnectionLimitsTest, WhoReadsNoAnswersIsNotReadAndIsLeft) {
  RawClient client(port_);
  fill_with_answers(client);
  pass(29);
  EXPECT_EQ(stat(stats::Word::overdue_answers), 0U);
  // Two seconds more, or later if the kernel still found room for some.
  EXPECT_TRUE(eventually([&] {
    pass(1);
    return stat(stats::Word::overdue_answers) == 1U;
  }));
  pass(6);
  EXPECT_TRUE(eventually([&] { return stat(stats::Word::connections_open) == 0; }));
}

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

// Who has not shown its token stays no longer for what it says meanwhile.
TEST_F(ConnectionLimitsTest, WithoutItsTokenALineConnectionIsAStranger) {
  test::TempDir dir;
  config::Config config;
  config.tokens = dir / "tokens";
  test::write_file(config.tokens, "alice " + access::to_string(access::hash_of("secret")) + "\n");
  stats::TokenTable counts{};
  const auto guard = access::Guard::load(config, counts).value();
  on_loop([&] { connections_->guard(guard); });
  RawClient stranger(port_);
  RawClient alice(port_);
  send_and_wait(alice, {'t', 'o', 'k', 'e', 'n', ' ', 's', 'e', 'c', 'r', 'e', 't', '\n'});
  for (int i = 0; i < 11; ++i) {
    stranger.send(Sent(300, '\n'));
    pass(1);
  }
  EXPECT_EQ(stranger.receive_line(), "error no preface and HELLO, and no line, within 10 s");
  EXPECT_EQ(stat(stats::Word::overdue_hello), 1U);
  EXPECT_EQ(stat(stats::Word::connections_open), 2U) << "the stranger is to end its side";
  alice.send(Sent{'?', '\n'});
  EXPECT_EQ(alice.receive_line(), "rejected malformed not base64");
  stop();
}

TEST_F(ConnectionLimitsTest, ThatThereIsRoomAgainIsSeenBeforeAnswersAreCalledUnread) {
  const Ends ends = connect();
  fill_with_answers(*ends.client);
  on_loop([&] {
    // The loop is busy with something else while the client reads on.
    pollfd server{ends.server, POLLOUT, 0};
    while (poll(&server, 1, 0) == 0)
      ASSERT_EQ(ends.client->receive_line(), kAnswerToFilling);
    pass_on_loop(32);
  });
  EXPECT_EQ(stat(stats::Word::overdue_answers), 0U);
  fill_with_answers(*ends.client);
  EXPECT_TRUE(eventually([&] {
    pass(1);
    return stat(stats::Word::overdue_answers) == 1U;
  }));
}

TEST_F(ConnectionLimitsTest, AHandshakeHasTheTimeOfHello) {
  const test::TempDir dir;
  const test::Authority authority(dir, "ours");
  const auto files = authority.sign("server");
  config::Config config;
  config.tls_certificate = files.certificate;
  config.tls_key = files.key;
  const auto guard = access::Guard::load(config);
  ASSERT_TRUE(guard) << guard.error().message;
  on_loop([&] { connections_->guard(*guard); });
  RawClient says_nothing(port_);
  RawClient begins(port_);
  begins.send(Sent{0x16, 3, 1});
  wait_for_connections(2);
  pass(10);
  EXPECT_EQ(stat(stats::Word::connections_open), 2U);
  pass(1);
  EXPECT_TRUE(eventually([&] { return stat(stats::Word::connections_open) == 0; }));
  EXPECT_EQ(stat(stats::Word::overdue_hello), 2U);
  EXPECT_EQ(stat(stats::Word::tls_failed), 2U);
  EXPECT_FALSE(says_nothing.receive_frame());
  stop();  // before the guard goes
}

TEST_F(ConnectionLimitsTest, AHandshakeThatFailsIsCountedOnce) {
  const test::TempDir dir;
  const auto files = test::Authority(dir, "ours").sign("server");
  config::Config config;
  config.tls_certificate = files.certificate;
  config.tls_key = files.key;
  const auto guard = access::Guard::load(config);
  ASSERT_TRUE(guard) << guard.error().message;
  on_loop([&] { connections_->guard(*guard); });
  for (const bool closes_first : {false, true}) {
    auto client = std::make_unique<RawClient>(port_);
    wait_for_connections(1);
    client->send(Sent{0x16, 3, 1, 0, 4, 'n', 'o', 'n', 'e'});
    // The client ends its side before or after the server has seen what it said.
    EXPECT_TRUE(closes_first || eventually([&] { return stat(stats::Word::tls_failed) == 1; }));
    client.reset();
    EXPECT_TRUE(eventually([&] { return stat(stats::Word::connections_open) == 0; }));
  }
  EXPECT_EQ(stat(stats::Word::tls_failed), 2U);
  EXPECT_EQ(stat(stats::Word::connections_broken), 0U);
  stop();  // before the guard goes
}

// What the kernel gives up because the peer takes nothing is counted as what a deadline ends.
TEST_F(ConnectionLimitsTest, AnswersThatTheKernelGivesUpAreOverdueToo) {
  const Ends ends = connect();
  fill_with_answers(*ends.client);
  on_loop([&] {
    const unsigned impatient_ms = 100;
    ASSERT_EQ(
        setsockopt(ends.server, IPPROTO_TCP, TCP_USER_TIMEOUT, &impatient_ms, sizeof impatient_ms),
        0);
  });
  EXPECT_TRUE(eventually([&] { return stat(stats::Word::connections_open) == 0; }));
  EXPECT_EQ(stat(stats::Word::overdue_answers), 1U);
}

TEST_F(ConnectionLimitsTest, APeerThatIsGoneAndOwesNothingIsNotOverdue) {
  RawClient client(port_);
  client.hello();
  client.reset();
  EXPECT_TRUE(eventually([&] { return stat(stats::Word::connections_open) == 0; }));
  EXPECT_EQ(stat(stats::Word::overdue_answers), 0U);
}

// --- Caps --------------------------------------------------------------------------------------

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
