// What a connection says, when, and how it ends.
#include "unit/connection_fixture.h"

namespace txindex::net {
namespace {

TEST_F(ConnectionTest, WelcomesWithTheLimitsAndAcknowledgesAfterTheOutcome) {
  RawClient client(port_);
  const Sent welcome = client.hello();
  ASSERT_EQ(welcome.size(), 17U);
  EXPECT_EQ(welcome[0], 1);
  client.send_tx({1, 2, 3});
  client.send_tx({4});
  ASSERT_TRUE(eventually([&] { return waiting() == 2; }));
  client.send_frame(0x03, {1, 2, 3, 4, 5, 6, 7, 8});
  const auto pong = client.receive_frame();  // and not an ACK: nothing has its outcome
  ASSERT_TRUE(pong);
  EXPECT_EQ(pong->type, 0x84);
  EXPECT_EQ(pong->body, (Sent{1, 2, 3, 4, 5, 6, 7, 8}));
  answer_all(Outcome::duplicate);
  EXPECT_EQ(client.receive_acks(2), (std::map<std::uint64_t, int>{{1, 1}, {2, 1}}));
}

TEST_F(ConnectionTest, FinishIsAnsweredInFullThenClosedCleanly) {
  RawClient client(port_);
  client.hello();
  for (int i = 0; i < 100; ++i)
    client.send_tx({9});
  client.finish();
  ASSERT_TRUE(eventually([&] { return waiting() == 100; }));
  answer_all(Outcome::committed);
  EXPECT_EQ(client.receive_acks(100).size(), 100U);
  EXPECT_FALSE(client.receive_frame());
}

TEST_F(ConnectionTest, HalfCloseWithoutFinishIsAnsweredAsWell) {
  RawClient client(port_);
  client.hello();
  client.send_tx({9});
  client.half_close();
  ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  answer_all(Outcome::committed);
  EXPECT_EQ(client.receive_acks(1).size(), 1U);
  EXPECT_FALSE(client.receive_frame());
}

TEST_F(ConnectionTest, WhoWaitsForAnswersHearsThatTheServerLives) {
  RawClient client(port_);
  client.hello();
  client.send_tx({1});
  ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  // As the worker does every second; the connection decides when it has been silent for long.
  ASSERT_TRUE(eventually([&] {
    const auto before = stat(stats::Word::sent_bytes);
    on_loop([this] { connections_->tend(); });
    return stat(stats::Word::sent_bytes) > before;
  }));
  const auto ack = client.receive_frame();
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->type, 0x82);
  EXPECT_EQ(ack->body, Sent(12, 0));
  answer_all(Outcome::committed);
  EXPECT_EQ(client.receive_acks(1).size(), 1U);
}

TEST_F(ConnectionTest, WhileTheGateIsHeldOnlyThoseWithNothingInFlightAreReadAndNobodySpins) {
  on_loop([this] { parts_->gate.hold(); });
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(std::make_unique<RawClient>(port_));
    clients.back()->hello();
    clients.back()->send_tx({1});
  }
  ASSERT_TRUE(eventually([&] { return waiting() == 40; }));
  for (auto& client : clients)
    client->send_tx({2});
  ASSERT_TRUE(eventually([&] { return stat(stats::Word::in_flight_waits) == 40; }));
  for (int turn = 0; turn < 100; ++turn)
    on_loop([] {});
  EXPECT_EQ(stat(stats::Word::in_flight_waits), 40U);
  EXPECT_EQ(received_, 40U);
  on_loop([this] { parts_->gate.release(); });
  EXPECT_TRUE(eventually([&] { return waiting() == 80; }));
}

TEST_F(ConnectionTest, WhatIsRejectedAtOnceAndLeavesIsForgotten) {
  for (int i = 0; i < 20; ++i) {
    RawClient client(port_);
    client.send(std::string("!"));
    client.half_close();
    EXPECT_EQ(client.receive_line(), "rejected malformed not base64");
    EXPECT_EQ(client.receive_line(), std::nullopt);
  }
  EXPECT_TRUE(eventually([&] { return stat(stats::Word::connections_open) == 0; }));
  EXPECT_EQ(stat(stats::Word::received), 20U);
  EXPECT_EQ(stat(stats::Word::outcome_malformed), 20U);
}

TEST_F(ConnectionTest, DrainDoesNotWaitForAPeerThatTakesNoAnswers) {
  RawClient client(port_);
  fill_with_answers(client);
  std::atomic<bool> gone = false;
  on_loop([&] {
    connections_->drain([&] {
      gone = true;
      work_.reset();
    });
  });
  EXPECT_TRUE(eventually([&] {
    on_loop([this] { connections_->tend(); });  // as the worker does every second
    return gone.load();
  }));
}

struct Nonsense {
  const char* name;
  bool after_hello;
  Sent bytes;
  std::uint16_t code;
};
class ConnectionNonsenseTest : public ConnectionTest,
                               public testing::WithParamInterface<Nonsense> {};

TEST_P(ConnectionNonsenseTest, IsAnsweredByAcksForWhatCameBeforeThenErrorThenTheEnd) {
  const Nonsense& nonsense = GetParam();
  RawClient client(port_);
  std::uint64_t sent = 0;
  if (nonsense.after_hello) {
    client.hello();
    client.send_tx({7});
    sent = 1;
  }
  client.send(nonsense.bytes);
  client.send(Sent(50'000, 0xee));  // unread bytes must not turn the end into a reset
  ASSERT_TRUE(eventually([&] { return waiting() == sent; }));
  answer_all(Outcome::committed);
  EXPECT_EQ(client.receive_acks(sent).size(), sent);
  const auto error = client.receive_frame();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->type, 0x83);
  EXPECT_EQ(error->body[0] | error->body[1] << 8, nonsense.code) << text_of(*error);
  EXPECT_FALSE(client.receive_frame());
  EXPECT_EQ(stat(stats::Word::connections_broken), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    All, ConnectionNonsenseTest,
    testing::Values(Nonsense{"binary_first_byte", false, {0x16, 3, 1}, 1},
                    Nonsense{"wrong_preface", false, {0, 'T', 'X', 'J'}, 1},
                    Nonsense{"tx_before_hello", false, {0, 'T', 'X', 'I', 3, 0, 0, 0, 2, 1, 0}, 4},
                    Nonsense{
                        "unknown_version", false, {0, 'T', 'X', 'I', 4, 0, 0, 0, 1, 2, 0, 0}, 5},
                    Nonsense{"short_hello", false, {0, 'T', 'X', 'I', 3, 0, 0, 0, 1, 1, 0}, 2},
                    Nonsense{"second_hello", true, {4, 0, 0, 0, 1, 1, 0, 0}, 4},
                    Nonsense{"length_of_zero", true, {0, 0, 0, 0}, 2},
                    Nonsense{"length_too_large", true, {1, 0x80, 0, 0, 2}, 2},
                    Nonsense{"unknown_type", true, {1, 0, 0, 0, 0x7f}, 3},
                    Nonsense{"server_type", true, {1, 0, 0, 0, 0x85}, 3},
                    Nonsense{"short_ping", true, {2, 0, 0, 0, 3, 1}, 2},
                    Nonsense{"finish_with_body", true, {2, 0, 0, 0, 4, 1}, 2},
                    Nonsense{"tx_without_flags", true, {2, 0, 0, 0, 2, 1}, 2},
                    Nonsense{"tx_with_unknown_flag", true, {3, 0, 0, 0, 2, 1, 4}, 2},
                    Nonsense{"tx_cut_in_its_time", true, {5, 0, 0, 0, 2, 1, 1, 0, 0}, 2}),
    [](const auto& param) { return param.param.name; });

TEST_F(ConnectionTest, LineModeAnswersInOrderInWords) {
  RawClient client(port_);
  client.send(std::string("\nAQID\n!!!!\n\r\nBAUG\r\n"));
  ASSERT_TRUE(eventually([&] { return waiting() == 2; }));
  on_loop([&] {  // the last one first
    waiting_[1].ticket.complete(Outcome::bad_signature, "a reason");
    waiting_[0].ticket.complete(Outcome::committed, {}, waiting_[0].bytes);
    waiting_.clear();
    connections_->flush();
  });
  EXPECT_EQ(client.receive_line(), "committed Ldp");  // base58 of 01 02 03
  EXPECT_EQ(client.receive_line(), "rejected malformed not base64");
  EXPECT_EQ(client.receive_line(), "rejected bad_signature a reason");
}

TEST_F(ConnectionTest, LineModeTakesALastLineWithoutAnEnd) {
  on_loop([this] { at_once_ = true; });
  RawClient client(port_);
  client.send(std::string("AQID"));
  client.half_close();
  EXPECT_EQ(client.receive_line(), "committed Ldp");
  EXPECT_EQ(client.receive_line(), std::nullopt);
}

TEST_F(ConnectionTest, LineThatIsTooLongIsAnErrorInWords) {
  RawClient client(port_);
  client.send(std::string(20'000, 'A'));
  EXPECT_EQ(client.receive_line(), "error a line is longer than 8192 bytes");
  EXPECT_EQ(client.receive_line(), std::nullopt);
}

TEST_F(ConnectionTest, DrainAnswersWhatWasReceivedAndEnds) {
  RawClient client(port_);
  client.hello();
  client.send_tx({1});
  ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  on_loop([this] { connections_->drain([this] { work_.reset(); }); });
  const auto drain = client.receive_frame();
  ASSERT_TRUE(drain);
  EXPECT_EQ(drain->type, 0x85);
  client.send_tx({2});  // sent before the client knew: not received, not acknowledged
  answer_all(Outcome::committed);
  EXPECT_EQ(client.receive_acks(1).size(), 1U);
  EXPECT_FALSE(client.receive_frame());
  EXPECT_EQ(received_, 1U);
}

TEST_F(ConnectionTest, DrainIsSaidToWhoeverHasJustConnectedToo) {
  RawClient binary(port_);
  RawClient lines(port_);
  RawClient silent(port_);
  ASSERT_TRUE(eventually([&] { return stat(stats::Word::connections_accepted) == 3; }));
  const auto before = std::chrono::steady_clock::now();
  std::atomic<bool> gone = false;
  on_loop([&] {
    at_once_ = true;
    connections_->drain([&] {
      gone = true;
      work_.reset();
    });
  });
  binary.hello();
  const auto drain = binary.receive_frame();
  ASSERT_TRUE(drain);
  EXPECT_EQ(drain->type, 0x85);
  EXPECT_FALSE(binary.receive_frame());
  lines.send("=");
  EXPECT_EQ(lines.receive_line(), "error draining: send again what has no answer");
  EXPECT_EQ(lines.receive_line(), std::nullopt);
  EXPECT_EQ(silent.receive_line(), std::nullopt);
  EXPECT_GE(std::chrono::steady_clock::now() - before,
            std::chrono::milliseconds(limits::kOpeningDrainMilliseconds));
  for (RawClient* client : {&binary, &lines, &silent})
    client->half_close();
  EXPECT_TRUE(eventually([&] { return gone.load(); }));
}

TEST_F(ConnectionTest, StopsReadingAtTheWindowAndGoesOnWhenAnswersCatchUp) {
  stop();
  start(1 << 30);
  RawClient client(port_);
  client.hello();
  constexpr std::uint64_t kSent = 2 * limits::kWindowMaxTransactions + 5;
  std::jthread sender([&] {
    for (std::uint64_t i = 0; i < kSent; ++i)
      client.send_tx({1});
  });
  ASSERT_TRUE(eventually([&] { return waiting() == limits::kWindowMaxTransactions; })) << received_;
  // Not one more, though more is there: the loop has had a turn since.
  on_loop([] {});
  EXPECT_EQ(received_, limits::kWindowMaxTransactions);
  answer_all(Outcome::committed);
  ASSERT_TRUE(eventually([&] { return waiting() == limits::kWindowMaxTransactions; }));
  answer_all(Outcome::committed);
  ASSERT_TRUE(eventually([&] { return waiting() == 5; }));
  answer_all(Outcome::committed);
  sender.join();
  EXPECT_EQ(client.receive_acks(kSent).size(), kSent);
}

TEST_F(ConnectionTest, StopsReadingWhenTheBudgetIsSpentAndStaysWithinIt) {
  stop();
  constexpr std::size_t kBudget = 4 * limits::kLargeChunkBytes;
  start(kBudget);
  RawClient client(port_);
  client.hello();
  constexpr std::uint64_t kSent = 2000;
  std::jthread sender([&] {
    for (std::uint64_t i = 0; i < kSent; ++i)
      client.send_tx(Sent(1000, 1));
  });
  ASSERT_TRUE(eventually([&] { return stat(stats::Word::in_flight_waits) > 0; }));
  EXPECT_LT(received_, kSent);
  while (received_ < kSent)
    answer_all(Outcome::committed);
  answer_all(Outcome::committed);
  sender.join();
  EXPECT_EQ(client.receive_acks(kSent).size(), kSent);
  EXPECT_LE(stat(stats::Word::in_flight_bytes_high), kBudget);
}

TEST_F(ConnectionTest, ACrowdOfUnfinishedFramesDoesNotKeepOthersOut) {
  stop();
  start(2 * limits::kSmallChunkBytes);
  std::vector<std::unique_ptr<RawClient>> crowd;
  for (int i = 0; i < 20; ++i) {
    crowd.push_back(std::make_unique<RawClient>(port_));
    crowd.back()->hello();
    crowd.back()->send(Sent{100, 0, 0, 0, 2, 1});  // and never the rest
  }
  on_loop([this] { at_once_ = true; });
  RawClient honest(port_);
  honest.hello();
  for (int i = 0; i < 100; ++i)
    honest.send_tx({1});
  EXPECT_EQ(honest.receive_acks(100).size(), 100U);
}

TEST_F(ConnectionTest, APeerThatResetsLeavesNothingBehindWhateverItWasWaitingFor) {
  // With transactions in flight; at its window; after FINISH.
  for (const std::uint64_t count : {10U, limits::kWindowMaxTransactions + 100U, 11U}) {
    RawClient client(port_);
    client.hello();
    for (std::uint64_t i = 0; i < count; ++i)
      client.send_tx({1});
    if (count == 11) client.finish();
    ASSERT_TRUE(eventually([&] {
      return waiting() == std::min<std::uint64_t>(count, limits::kWindowMaxTransactions);
    }));
    client.reset();
    EXPECT_TRUE(eventually([&] {
      answer_all(Outcome::committed);
      return stat(stats::Word::connections_open) == 0;
    }));
  }
  EXPECT_TRUE(eventually([&] { return stat(stats::Word::connections_open) == 0; }));
}

TEST_F(ConnectionTest, AtTheLimitOfConnectionsOthersWaitInTheQueue) {
  stop();
  max_connections_ = 1;
  start(1 << 20);
  on_loop([this] { at_once_ = true; });
  auto first = std::make_unique<RawClient>(port_);
  first->hello();
  RawClient second(port_);
  second.send(Sent{0x00, 0x54, 0x58, 0x49, 4, 0, 0, 0, 1, 1, 0, 0});
  // The listener has found the limit reached, and has looked again since.
  for (int i = 0; i < 5; ++i)
    on_loop_after(std::chrono::milliseconds(20));
  EXPECT_EQ(stat(stats::Word::connections_accepted), 1U);
  first.reset();
  const auto welcome = second.receive_frame();
  ASSERT_TRUE(welcome);
  EXPECT_EQ(welcome->type, 0x81);
}

}  // namespace
}  // namespace txindex::net
