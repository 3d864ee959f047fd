// The client against a server that is not there, is silent, refuses, or talks nonsense.
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "txindex/client.h"

#include "support/fake_server.h"
#include "support/producer.h"

namespace txindex {
namespace {

using namespace std::chrono_literals;
using test::FakeServer;
using test::message;
using test::Producer;
using wire::Buffer;
using wire::Outcome;
using Ending = FakeServer::Ending;
using Script = FakeServer::Script;

TEST(ClientFailure, GivesUpOnAServerThatIsNotThere) {
  const std::uint16_t port = test::port_of_nobody();
  auto options = Producer::quick();
  options.give_up_after = 150ms;
  Producer producer(port, options);
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(producer.send(1));
  const auto done = producer.client.finish();
  ASSERT_FALSE(done);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 150ms);
  EXPECT_NE(message(done).find("Connection refused"), std::string::npos) << message(done);
  EXPECT_NE(message(done).find("127.0.0.1:" + std::to_string(port)), std::string::npos);
  EXPECT_FALSE(producer.send(1)) << "it has failed for good";
  EXPECT_EQ(producer.client.timeout_ms(), -1);
  EXPECT_TRUE(producer.outcomes.empty());
}

TEST(ClientFailure, GivesUpOnANameThatDoesNotResolve) {
  auto options = Producer::quick();
  options.host = "not..a..name";
  options.give_up_after = 50ms;
  Producer producer(1, options);
  ASSERT_TRUE(producer.send(1));
  EXPECT_FALSE(producer.client.finish());
}

TEST(ClientFailure, BacksOffFromAServerThatWelcomesAndDrops) {
  Script script;
  script.end_after = 1;
  script.ack_first = 0;
  script.ack_every = FakeServer::kNever;
  FakeServer server(script);
  auto options = Producer::quick();
  options.backoff_min = 10ms;
  options.backoff_max = 1s;
  Producer producer(server.port(), options);
  ASSERT_TRUE(producer.send(1));
  const auto end = std::chrono::steady_clock::now() + 300ms;
  while (std::chrono::steady_clock::now() < end) {
    pollfd waiting{producer.client.fd(), producer.client.events(), 0};
    poll(&waiting, 1, std::min(producer.client.timeout_ms(), 50));
    ASSERT_TRUE(producer.client.process());
  }
  // At the least 5 + 10 + 20 + 40 + 80 + 160 ms between them.
  EXPECT_LE(server.connection_count(), 7U);
  EXPECT_GE(server.connection_count(), 3U);
}

TEST(ClientFailure, AServerThatNeverWelcomesIsGivenUp) {
  Script script;
  script.says_welcome = false;
  FakeServer server(script);
  auto options = Producer::quick();
  options.give_up_after = 200ms;
  Producer producer(server.port(), options);
  ASSERT_TRUE(producer.send(1));
  const auto done = producer.client.finish();
  ASSERT_FALSE(done);
  EXPECT_NE(message(done).find("no WELCOME"), std::string::npos) << message(done);
  EXPECT_GE(server.connection_count(), 2U) << "another process may be well";
}

TEST(ClientFailure, AsksASilentServerAndTakesAPongForLife) {
  Script script;
  script.ack_every = FakeServer::kNever;
  script.ack_when_quiet = 700ms;
  FakeServer server(script);
  auto options = Producer::quick();
  options.give_up_after = 400ms;  // a PING after 100 ms of silence
  Producer producer(server.port(), options);
  ASSERT_TRUE(producer.send(10));
  // The PING keeps the server from being quiet, so it never acknowledges: only PONG come.
  const auto end = std::chrono::steady_clock::now() + 1s;
  while (std::chrono::steady_clock::now() < end) {
    pollfd waiting{producer.client.fd(), producer.client.events(), 0};
    poll(&waiting, 1, producer.client.timeout_ms());
    const auto ok = producer.client.process();
    ASSERT_TRUE(ok) << message(ok);
  }
  ASSERT_EQ(server.connection_count(), 1U);
  EXPECT_GE(server.connections()[0].pings, 5U);
  EXPECT_LE(server.connections()[0].pings, 11U);
}

TEST(ClientFailure, APingIsNeverPutIntoTheMiddleOfATransaction) {
  // A server that is stuck while the client writes more than the sockets hold: the connection then
  // stands in the middle of a frame when the PING comes due.
  bool stuck = false;
  const auto judge = [&stuck](Bytes) {
    if (!std::exchange(stuck, true)) std::this_thread::sleep_for(700ms);
    return Outcome::committed;
  };
  FakeServer server([](std::size_t) { return Script{}; }, judge);
  auto options = Producer::quick();
  options.give_up_after = 2s;  // a PING after 500 ms of silence
  Producer producer(server.port(), options);
  ASSERT_TRUE(producer.send(240, limits::kFrameMaxBytes - 100));
  const auto done = producer.client.finish();
  ASSERT_TRUE(done) << message(done);
  const auto connections = server.connections();
  ASSERT_EQ(connections.size(), 1U);
  EXPECT_EQ(connections[0].broken, "");
  EXPECT_EQ(connections[0].pings, 1U);
  EXPECT_EQ(producer.outcomes.size(), 240U);
}

TEST(ClientFailure, LeavesAServerThatAnswersNothingForAnother) {
  const auto script = [](std::size_t connection) {
    Script s;
    if (connection == 0) {
      s.end_after = 5;
      s.ending = Ending::hang;
      s.ack_first = 0;
      s.ack_every = FakeServer::kNever;
    }
    return s;
  };
  FakeServer server(script);
  auto options = Producer::quick();
  options.give_up_after = 400ms;
  Producer producer(server.port(), options);
  ASSERT_TRUE(producer.send(10));
  const auto done = producer.client.finish();
  ASSERT_TRUE(done) << message(done);
  EXPECT_EQ(server.connection_count(), 2U);
  EXPECT_EQ(producer.outcomes.size(), 10U);
}

TEST(ClientFailure, ACallerThatWasAwayDoesNotBlameTheServer) {
  FakeServer server(Script{});
  auto options = Producer::quick();
  options.give_up_after = 300ms;
  Producer producer(server.port(), options);
  ASSERT_TRUE(producer.send(1));
  while (!producer.client.idle()) {
    ASSERT_TRUE(producer.client.process());
  }
  ASSERT_TRUE(producer.send(10));  // and it is not told to send them yet
  poll(nullptr, 0, 1200);  // busy with something else, for longer than it would wait for a server
  const auto done = producer.client.finish();
  ASSERT_TRUE(done) << message(done);
  EXPECT_EQ(server.connection_count(), 1U);
}

TEST(ClientFailure, AnErrorThatPassesIsWaitedOut) {
  for (const auto code : {wire::ErrorCode::timed_out, wire::ErrorCode::too_many_connections}) {
    const auto script_for = [code](std::size_t connection) {
      Script script;
      if (connection > 1) return script;
      script.ending = Ending::say;
      script.end_after = connection == 0 ? 5 : 1;
      wire::append_error(script.last_words, code, "not now");
      return script;
    };
    FakeServer server(script_for);
    Producer producer(server.port());
    ASSERT_TRUE(producer.send(20));
    const auto done = producer.client.finish();
    ASSERT_TRUE(done) << message(done);
    EXPECT_EQ(producer.outcomes.size(), 20U);
    EXPECT_EQ(server.connection_count(), 3U);
  }
}

TEST(ClientFailure, AServerThatOnlyRefusesIsGivenUpAndItsWordsAreTold) {
  for (const auto code : {wire::ErrorCode::timed_out, wire::ErrorCode::too_many_connections}) {
    Script script;
    script.end_after = 0;
    script.ack_first = 0;
    script.ending = Ending::say;
    wire::append_error(script.last_words, code, "not now");
    FakeServer server(script);
    auto options = Producer::quick();
    options.give_up_after = 1s;
    Producer producer(server.port(), options);
    ASSERT_TRUE(producer.send(1));
    // Not finish(), which would wait for ever for a client that never gives up.
    const auto patience = std::chrono::steady_clock::now() + 20s;
    auto done = producer.client.process();
    while (done && std::chrono::steady_clock::now() < patience) {
      pollfd waiting{producer.client.fd(), producer.client.events(), 0};
      poll(&waiting, 1, std::min(producer.client.timeout_ms(), 50));
      done = producer.client.process();
    }
    ASSERT_FALSE(done);
    EXPECT_NE(message(done).find("not served for "), std::string::npos) << message(done);
    EXPECT_NE(message(done).find(" s: refused by the server: not now"), std::string::npos)
        << message(done);
  }
}

TEST(ClientFailure, AnErrorOfTheServerEndsTheStreamAfterTheAcksBeforeIt) {
  Script script;
  script.end_after = 10;
  script.ack_first = 7;
  script.ending = Ending::say;
  wire::append_error(script.last_words, wire::ErrorCode::refused, "too many\nproducers");
  FakeServer server(script);
  Producer producer(server.port());
  ASSERT_TRUE(producer.send(10));
  const auto done = producer.client.finish();
  ASSERT_FALSE(done);
  EXPECT_NE(message(done).find("too many?producers (code 6)"), std::string::npos) << message(done);
  EXPECT_GE(producer.outcomes.size(), 7U);
  EXPECT_EQ(server.connection_count(), 1U) << "no second attempt";
}

Buffer ack(std::uint64_t up_to, std::vector<std::pair<std::uint64_t, unsigned>> exceptions = {}) {
  Buffer out;
  wire::AckWriter writer(out);
  for (const auto& [n, code] : exceptions)
    writer.exception(n, static_cast<Outcome>(code));
  writer.finish(up_to);
  return out;
}

template <typename... More>
Buffer joined(Buffer first, const More&... more) {
  (first.insert(first.end(), more.begin(), more.end()), ...);
  return first;
}

TEST(ClientFailure, NonsenseOfTheServerFailsTheStreamAndInventsNoOutcome) {
  Buffer welcome;
  wire::append_welcome(welcome, {});
  const std::vector<std::pair<const char*, Buffer>> cases = {
      {"up to 11, when 10 were sent", ack(11)},
      {"up to 18446744073709551615", ack(~0ULL)},
      {"up to 3 after one up to 5", joined(ack(5), ack(3))},
      {"unknown code", ack(5, {{1, 8}})},
      {"unknown code", ack(5, {{1, 0}})},
      {"does not cover", ack(5, {{6, 1}})},
      {"does not cover", ack(5, {{0, 1}})},
      {"does not cover", joined(ack(5), ack(7, {{5, 1}}))},
      {"ACK that does not parse", {6, 0, 0, 0, 0x82, 1, 2, 3, 4, 5}},
      {"second WELCOME", welcome},
      {"unknown type 2", {1, 0, 0, 0, 0x02}},
      {"unknown type 255", {1, 0, 0, 0, 0xff}},
      {"impossible length", {0, 0, 0, 0}},
      {"impossible length", {0xff, 0xff, 0xff, 0xff}},
      {"impossible length", {'H', 'T', 'T', 'P'}},
      {"PONG that is not 8", {2, 0, 0, 0, 0x84, 1}},
      {"DRAIN that is not empty", {2, 0, 0, 0, 0x85, 1}},
      {"ERROR that does not parse", {2, 0, 0, 0, 0x83, 1}},
  };
  for (const auto& [expected, words] : cases) {
    Script script;
    script.end_after = 10;
    script.ack_first = 0;
    script.ack_every = FakeServer::kNever;
    script.ack_when_quiet = 1h;
    script.ending = Ending::say;
    script.last_words = words;
    FakeServer server(script);
    Producer producer(server.port());
    ASSERT_TRUE(producer.send(10));
    const auto done = producer.client.finish();
    ASSERT_FALSE(done) << expected;
    EXPECT_NE(message(done).find(expected), std::string::npos) << message(done);
    EXPECT_TRUE(producer.outcomes.empty() || producer.outcomes.size() == 5) << expected;
  }
}

TEST(ClientFailure, AnAckThatSaysNothingNewIsASignOfLife) {
  Script script;
  script.end_after = 10;
  script.ack_first = 0;
  script.ack_every = FakeServer::kNever;
  script.ack_when_quiet = 1h;
  script.ending = Ending::say;
  script.last_words = joined(ack(0), ack(4, {{4, 2}, {2, 1}}), ack(4), ack(10));
  FakeServer server(script);
  Producer producer(server.port());
  ASSERT_TRUE(producer.send(10));
  const auto done = producer.client.finish();
  ASSERT_TRUE(done) << message(done);
  std::vector<Outcome> expected(10, Outcome::committed);
  expected[1] = Outcome::duplicate;
  expected[3] = Outcome::malformed;
  EXPECT_EQ(producer.outcomes, expected) << "whatever the order in which an ACK lists them";
}

TEST(ClientFailure, RefusesAServerOfAnotherVersion) {
  Script script;
  script.welcome.version = 2;
  FakeServer server(script);
  Producer producer(server.port());
  ASSERT_TRUE(producer.send(1));
  const auto done = producer.client.finish();
  ASSERT_FALSE(done);
  EXPECT_NE(message(done).find("version 2"), std::string::npos) << message(done);
}

}  // namespace
}  // namespace txindex
