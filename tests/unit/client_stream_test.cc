// The client against a server that behaves, leaves and comes back.
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <map>
#include <random>

#include "txindex/client.h"

#include "support/fake_server.h"
#include "support/producer.h"

namespace txindex {
namespace {

using namespace std::chrono_literals;
using test::FakeServer;
using test::message;
using test::number_of;
using test::numbered;
using test::Producer;
using wire::Buffer;
using wire::Outcome;
using Ending = FakeServer::Ending;
using Script = FakeServer::Script;

TEST(Client, ReportsEveryTransactionOnceAndInOrder) {
  FakeServer server(Script{});
  Producer producer(server.port());
  ASSERT_TRUE(producer.send(5000));
  const auto done = producer.client.finish();
  ASSERT_TRUE(done) << message(done);
  EXPECT_EQ(producer.outcomes, std::vector<Outcome>(5000, Outcome::committed));
  EXPECT_TRUE(producer.client.idle());
  const auto connections = server.connections();
  ASSERT_EQ(connections.size(), 1U);
  EXPECT_TRUE(connections[0].finished);
  EXPECT_EQ(connections[0].broken, "");
  ASSERT_EQ(connections[0].bodies.size(), 5000U);
  for (std::uint64_t i = 0; i < 5000; ++i)
    EXPECT_EQ(number_of(connections[0].bodies[i]), i);
  EXPECT_EQ(producer.client.counters().connects, 1U);
  EXPECT_EQ(producer.client.counters().resent, 0U);
}

TEST(Client, WithNothingToSendItAsksNothingOfTheServer) {
  Producer producer(1);  // nobody listens there
  EXPECT_TRUE(producer.client.process());
  EXPECT_EQ(producer.client.fd(), -1);
  EXPECT_EQ(producer.client.timeout_ms(), -1);
  EXPECT_TRUE(producer.client.finish());
}

TEST(Client, CanBeUsedAgainAfterFinish) {
  FakeServer server(Script{});
  Producer producer(server.port());
  for (int round = 1; round <= 3; ++round) {
    ASSERT_TRUE(producer.send(10));
    ASSERT_TRUE(producer.client.finish());
    EXPECT_EQ(producer.outcomes.size(), 10U * static_cast<unsigned>(round));
  }
  EXPECT_EQ(server.connection_count(), 3U);
}

TEST(Client, TellsTheOutcomesThatAnAckLists) {
  const auto judge = [](Bytes body) { return static_cast<Outcome>(number_of(body) % 8); };
  FakeServer server([](std::size_t) { return Script{}; }, judge);
  Producer producer(server.port());
  ASSERT_TRUE(producer.send(20000));
  ASSERT_TRUE(producer.client.finish());
  ASSERT_EQ(producer.outcomes.size(), 20000U);
  for (std::size_t i = 0; i < 20000; ++i) {
    ASSERT_EQ(producer.outcomes[i], static_cast<Outcome>(i % 8)) << i;
  }
}

TEST(Client, StampsWhatHasNoTimeAndKeepsWhatHas) {
  FakeServer server(Script{});
  Producer producer(server.port());
  const auto wall = [] {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const auto before = wall();
  const Buffer bytes = numbered(0);
  ASSERT_TRUE(producer.client.submit({.chain = 1, .time_us = {}, .slot = 7, .transaction = bytes}));
  ASSERT_TRUE(
      producer.client.submit({.chain = 3, .time_us = -5, .slot = {}, .transaction = bytes}));
  const auto after = wall();
  ASSERT_TRUE(producer.client.finish());
  const auto bodies = server.connections()[0].bodies;
  ASSERT_EQ(bodies.size(), 2U);
  const auto stamped = wire::parse_tx(bodies[0]);
  EXPECT_GE(stamped->time_us, before);
  EXPECT_LE(stamped->time_us, after);
  EXPECT_EQ(stamped->slot, 7U);
  const auto kept = wire::parse_tx(bodies[1]);
  EXPECT_EQ(kept->time_us, -5);
  EXPECT_EQ(kept->chain, 3);
  EXPECT_EQ(kept->slot, std::nullopt);
}

TEST(Client, FramesOfTheServerCutAnywhereGiveTheSameOutcomes) {
  const auto judge = [](Bytes body) { return static_cast<Outcome>(number_of(body) % 3); };
  for (std::size_t piece = 1; piece <= 24; ++piece) {
    Script script;
    script.write_bytes = piece;
    FakeServer server([&](std::size_t) { return script; }, judge);
    Producer producer(server.port());
    ASSERT_TRUE(producer.send(200));
    ASSERT_TRUE(producer.client.finish());
    ASSERT_EQ(producer.outcomes.size(), 200U);
    for (std::size_t i = 0; i < 200; ++i) {
      ASSERT_EQ(producer.outcomes[i], static_cast<Outcome>(i % 3));
    }
  }
}

TEST(Client, SendsTheTokenInHello) {
  FakeServer server(Script{});
  auto options = Producer::quick();
  options.token = "open sesame";
  Producer producer(server.port(), options);
  ASSERT_TRUE(producer.send(1));
  ASSERT_TRUE(producer.client.finish());
  EXPECT_EQ(server.connections()[0].token, "open sesame");
}

// --- Windows -----------------------------------------------------------------------------------

TEST(Client, NeverExceedsTheWindowOfTheServer) {
  for (const std::uint32_t window : {1U, 2U, 100U}) {
    Script script;
    script.welcome.window_transactions = window;
    script.ack_every = window;  // as late as possible
    FakeServer server(script);
    Producer producer(server.port());
    ASSERT_TRUE(producer.send(500));
    ASSERT_TRUE(producer.client.finish());
    EXPECT_TRUE(server.connections()[0].window_respected) << window;
    EXPECT_EQ(producer.outcomes.size(), 500U);
  }
}

TEST(Client, NeverExceedsTheWindowInBytes) {
  Script script;
  script.welcome.window_bytes = 1000;
  script.ack_every = 100000;
  script.ack_when_quiet = 1ms;
  FakeServer server(script);
  Producer producer(server.port());
  ASSERT_TRUE(producer.send(200, 100));
  ASSERT_TRUE(producer.client.finish());
  EXPECT_TRUE(server.connections()[0].window_respected);
}

TEST(Client, KeepsItsOwnWindowWhenThatIsSmaller) {
  Script script;
  script.ack_every = FakeServer::kNever;
  script.ack_when_quiet = 1h;
  FakeServer server(script);
  auto options = Producer::quick();
  options.window_transactions = 10;
  Producer producer(server.port(), options);
  EXPECT_TRUE(producer.client.has_room());
  ASSERT_TRUE(producer.send(10));
  EXPECT_FALSE(producer.client.has_room());
  while (server.received() < 10) {
    pollfd waiting{producer.client.fd(), producer.client.events(), 0};
    poll(&waiting, 1, 10);
    ASSERT_TRUE(producer.client.process());
  }
  EXPECT_FALSE(producer.client.has_room());
}

TEST(Client, RefusesATransactionThatCannotFitAFrameAndGoesOn) {
  FakeServer server(Script{});
  Producer producer(server.port());
  // type, chain, flags, time
  const std::size_t most = limits::kFrameMaxBytes - 11;
  const Buffer large(most + 1);
  const auto refused =
      producer.client.submit({.chain = 1, .time_us = {}, .slot = {}, .transaction = large});
  ASSERT_FALSE(refused);
  EXPECT_NE(message(refused).find("too large"), std::string::npos);
  EXPECT_EQ(producer.client.counters().submitted, 0U);
  ASSERT_TRUE(producer.send(1, most));
  ASSERT_TRUE(producer.send(1));
  ASSERT_TRUE(producer.client.finish());
  EXPECT_EQ(producer.outcomes.size(), 2U);
}

TEST(Client, FailsWhenTheServerTakesNoFrameOfASizeThatWaits) {
  Script script;
  script.welcome.largest_frame_bytes = 50;
  FakeServer server(script);
  Producer producer(server.port());
  ASSERT_TRUE(producer.send(1, 60));
  const auto done = producer.client.finish();
  ASSERT_FALSE(done);
  EXPECT_NE(message(done).find("takes no frame of 75 bytes"), std::string::npos) << message(done);
}

// --- Leaving and coming back -------------------------------------------------------------------

TEST(Client, SendsTheSameBytesAgainOnTheNextConnection) {
  const auto script = [](std::size_t connection) {
    Script s;
    if (connection == 0) {
      s.end_after = 100;
      s.ack_first = 40;
    }
    return s;
  };
  FakeServer server(script);
  Producer producer(server.port());
  ASSERT_TRUE(producer.send(150));
  ASSERT_TRUE(producer.client.finish());
  EXPECT_EQ(producer.outcomes, std::vector<Outcome>(150, Outcome::committed));
  const auto connections = server.connections();
  ASSERT_EQ(connections.size(), 2U);
  // The server may have acknowledged more than 40: what it had read before the hundredth.
  const std::uint64_t first = number_of(connections[1].bodies[0]);
  EXPECT_GE(first, 40U);
  EXPECT_LT(first, 100U);
  for (std::uint64_t i = first; i < 100; ++i) {
    EXPECT_EQ(connections[1].bodies[i - first], connections[0].bodies[i]) << "with its stamp";
  }
  EXPECT_GE(producer.client.counters().resent, 100 - first);
  EXPECT_LE(producer.client.counters().resent, 150 - first);
  EXPECT_EQ(producer.client.counters().connects, 2U);
}

TEST(Client, AfterDrainItTakesTheAcknowledgementsAndReconnectsAtOnce) {
  const auto script = [](std::size_t connection) {
    Script s;
    if (connection < 5) {
      s.end_after = 50;
      s.ending = Ending::drain;
    }
    return s;
  };
  FakeServer server(script);
  auto options = Producer::quick();
  options.backoff_min = options.backoff_max = 1h;  // at once means without any
  Producer producer(server.port(), options);
  ASSERT_TRUE(producer.send(1000));
  ASSERT_TRUE(producer.client.finish());
  EXPECT_EQ(producer.outcomes, std::vector<Outcome>(1000, Outcome::committed));
  const auto connections = server.connections();
  ASSERT_EQ(connections.size(), 6U);
  for (std::size_t i = 1; i < connections.size(); ++i) {
    EXPECT_EQ(number_of(connections[i].bodies[0]), 50 * i) << "what was acked is not sent again";
  }
}

TEST(Client, NothingIsLostOrInventedOverAThousandDisconnects) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto script = [&random](std::size_t connection) {
    Script s;
    if (connection >= 1000) return s;
    constexpr Ending endings[] = {Ending::close, Ending::reset, Ending::drain};
    s.ending = endings[random() % 3];
    s.end_after = random() % 60;
    s.ack_first = random() % (s.end_after + 1);
    s.ack_every = 1 + random() % 30;
    s.ack_when_quiet = 1ms;
    s.welcome.window_transactions = static_cast<std::uint32_t>(1 + random() % 100);
    s.write_bytes = random() % 3 == 0 ? 1 + random() % 20 : 0;
    return s;
  };
  // What a database would know: each transaction with its stamp.
  std::map<std::uint64_t, Buffer> stored;
  const auto judge = [&](Bytes body) {
    const auto [at, is_new] = stored.emplace(number_of(body), Buffer(body.begin(), body.end()));
    EXPECT_TRUE(std::ranges::equal(at->second, body)) << "sent again with other bytes";
    return is_new ? Outcome::committed : Outcome::duplicate;
  };
  FakeServer server(script, judge);
  Producer producer(server.port());
  while (server.connection_count() <= 1000)
    ASSERT_TRUE(producer.send(1));
  const auto done = producer.client.finish();
  ASSERT_TRUE(done) << message(done);
  ASSERT_EQ(producer.outcomes.size(), producer.submitted);
  ASSERT_EQ(stored.size(), producer.submitted);
  EXPECT_EQ(stored.rbegin()->first + 1, producer.submitted);
  for (const Outcome outcome : producer.outcomes)
    ASSERT_LE(outcome, Outcome::duplicate);
  for (const auto& connection : server.connections()) {
    EXPECT_TRUE(connection.window_respected);
    EXPECT_EQ(connection.broken, "");
    for (std::size_t i = 1; i < connection.bodies.size(); ++i) {
      ASSERT_EQ(number_of(connection.bodies[i]), number_of(connection.bodies[i - 1]) + 1);
    }
  }
}

// --- Many from one thread ----------------------------------------------------------------------

TEST(Client, ManyAreDrivenByOnePoll) {
  FakeServer server(Script{});
  std::vector<std::unique_ptr<Producer>> producers;
  for (int i = 0; i < 8; ++i)
    producers.push_back(std::make_unique<Producer>(server.port()));
  for (auto& producer : producers)
    ASSERT_TRUE(producer->send(100));
  const auto all_idle = [&] {
    return std::ranges::all_of(producers, [](const auto& p) { return p->client.idle(); });
  };
  while (!all_idle()) {
    std::vector<pollfd> waiting;
    int timeout = 1000;
    for (auto& producer : producers) {
      ASSERT_TRUE(producer->client.process());
      waiting.push_back({producer->client.fd(), producer->client.events(), 0});
      if (const int ms = producer->client.timeout_ms(); ms >= 0) timeout = std::min(timeout, ms);
    }
    if (!all_idle()) poll(waiting.data(), waiting.size(), timeout);
  }
  for (auto& producer : producers) {
    EXPECT_EQ(producer->outcomes.size(), 100U);
    EXPECT_TRUE(producer->client.finish());
  }
}

}  // namespace
}  // namespace txindex
