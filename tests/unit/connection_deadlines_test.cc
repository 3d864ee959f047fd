// What a connection does about peers that owe it something: a word, the rest of a frame, a
// handshake, or to read their answers.
#include <netinet/tcp.h>
#include <poll.h>

#include "access/guard.h"
#include "support/certificates.h"
#include "unit/timed_connection_fixture.h"

namespace txindex::net {
namespace {

class ConnectionDeadlinesTest : public TimedConnectionTest {
 protected:
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

  // Of those that come from now on.
  void require_tls() {
    const auto files = test::Authority(dir_, "ours").sign("server");
    config::Config config;
    config.tls_certificate = files.certificate;
    config.tls_key = files.key;
    guard_ = access::Guard::load(config).value();
    on_loop([&] { connections_->guard(guard_); });
  }

 private:
  test::TempDir dir_;
  access::Guard guard_;
};

TEST_F(ConnectionDeadlinesTest, WhoOnlyConnectsIsToldAndLeft) {
  RawClient client(port_);
  wait_for_connections(1);
  pass(10);
  EXPECT_EQ(stat(stats::Word::overdue_hello), 0U);
  pass(1);
  expect_error(client, 8, "no preface and HELLO, and no line, within 10 s");
  EXPECT_EQ(stat(stats::Word::overdue_hello), 1U);
}

TEST_F(ConnectionDeadlinesTest, APrefaceAndHelloThatDripAreStillLate) {
  RawClient client(port_);
  wait_for_connections(1);
  for (const std::uint8_t byte : Sent{0, 'T', 'X', 'I', 4, 0, 0, 0, 1, 1, 0}) {
    send_and_wait(client, {byte});
    pass(1);
  }
  expect_error(client, 8, "no preface and HELLO, and no line, within 10 s");
}

TEST_F(ConnectionDeadlinesTest, AFrameThatDripsIsLateHoweverSteadilyItComes) {
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

TEST_F(ConnectionDeadlinesTest, EachFrameHasItsOwnTime) {
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

TEST_F(ConnectionDeadlinesTest, ALineThatDripsIsLateInWords) {
  RawClient client(port_);
  send_and_wait(client, {'A', 'Q'});
  pass(31);
  EXPECT_EQ(client.receive_line(), "error a line was not whole within 30 s");
  EXPECT_EQ(client.receive_line(), std::nullopt);
  EXPECT_EQ(stat(stats::Word::overdue_frame), 1U);
}

TEST_F(ConnectionDeadlinesTest, AnIdleConnectionIsDrainedAndPingIsLife) {
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

TEST_F(ConnectionDeadlinesTest, AnIdleLineConnectionIsToldInWordsAndAnEmptyLineIsLife) {
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

TEST_F(ConnectionDeadlinesTest, WhoWaitsForAnswersIsNeverLate) {
  RawClient client(port_);
  client.hello();
  client.send_tx({1});
  ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  pass(1000);
  answer_all(Outcome::committed);
  EXPECT_EQ(client.receive_acks(1).size(), 1U);
}

TEST_F(ConnectionDeadlinesTest, TimeInWhichTheServerDoesNotReadIsNotThePeers) {
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

TEST_F(ConnectionDeadlinesTest, WhatHasComeIsReadBeforeItIsCalledLate) {
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

TEST_F(ConnectionDeadlinesTest, WhoReadsNoAnswersIsNotReadAndIsLeft) {
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

// Who has not shown its token stays no longer for what it says meanwhile.
TEST_F(ConnectionDeadlinesTest, WithoutItsTokenALineConnectionIsAStranger) {
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

TEST_F(ConnectionDeadlinesTest, ThatThereIsRoomAgainIsSeenBeforeAnswersAreCalledUnread) {
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

TEST_F(ConnectionDeadlinesTest, AHandshakeHasTheTimeOfHello) {
  require_tls();
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
}

TEST_F(ConnectionDeadlinesTest, AHandshakeThatFailsIsCountedOnce) {
  require_tls();
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
}

// What the kernel gives up because the peer takes nothing is counted as what a deadline ends.
TEST_F(ConnectionDeadlinesTest, AnswersThatTheKernelGivesUpAreOverdueToo) {
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

TEST_F(ConnectionDeadlinesTest, APeerThatIsGoneAndOwesNothingIsNotOverdue) {
  RawClient client(port_);
  client.hello();
  client.reset();
  EXPECT_TRUE(eventually([&] { return stat(stats::Word::connections_open) == 0; }));
  EXPECT_EQ(stat(stats::Word::overdue_answers), 0U);
}

}  // namespace
}  // namespace txindex::net
