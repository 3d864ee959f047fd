// How the client counts connections that did not go well.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "txindex/client.h"

#include "support/certificates.h"
#include "support/fake_server.h"
#include "support/producer.h"

namespace txindex {
namespace {

using test::FakeServer;
using test::Producer;
using Ending = FakeServer::Ending;
using Script = FakeServer::Script;
using namespace std::chrono_literals;

// The first connection ends in that way after five transactions, of which two were answered.
Client::Counters after(Ending ending, Client::Options options = Producer::quick()) {
  FakeServer server([ending](std::size_t connection) {
    Script script;
    if (connection == 0) {
      script.end_after = 5;
      script.ack_first = 2;
      script.ending = ending;
    }
    return script;
  });
  Producer producer(server.port(), std::move(options));
  EXPECT_TRUE(producer.send(20));
  EXPECT_TRUE(producer.client.finish());
  EXPECT_EQ(producer.outcomes.size(), 20U);
  return producer.client.counters();
}

TEST(ClientCounters, AConnectionThatGoesWellIsNotCounted) {
  FakeServer server(Script{});
  Producer producer(server.port());
  ASSERT_TRUE(producer.send(20));
  ASSERT_TRUE(producer.client.finish());
  const auto& counters = producer.client.counters();
  EXPECT_EQ(counters.refused + counters.reset + counters.hung, 0U);
}

TEST(ClientCounters, OneThatBreaksWhileSomethingIsOwedIsReset) {
  EXPECT_EQ(after(Ending::reset).reset, 1U);
  EXPECT_EQ(after(Ending::close).reset, 1U);
}

TEST(ClientCounters, OneThatIsDrainedIsNot) {
  const auto counters = after(Ending::drain);
  EXPECT_EQ(counters.connects, 2U);
  EXPECT_EQ(counters.refused + counters.reset + counters.hung, 0U);
}

TEST(ClientCounters, OneThatFallsSilentIsHung) {
  auto options = Producer::quick();
  options.give_up_after = 1s;  // so it is left after half of that
  const auto counters = after(Ending::hang, options);
  EXPECT_EQ(counters.hung, 1U);
  EXPECT_EQ(counters.reset, 0U);
}

TEST(ClientCounters, OneThatNobodyTakesIsRefused) {
  auto options = Producer::quick();
  options.give_up_after = 150ms;
  Producer producer(test::port_of_nobody(), options);
  ASSERT_TRUE(producer.send(1));
  EXPECT_FALSE(producer.client.finish());
  EXPECT_GE(producer.client.counters().refused, 2U);
  EXPECT_EQ(producer.client.counters().reset, 0U);
}

// A client that is to use TLS, and gives up soon.
Client::Options with_tls(const test::TempDir& dir) {
  auto options = Producer::quick();
  options.tls = load_tls({test::Authority(dir, "ours").file(), "", ""}).value();
  options.give_up_after = 1s;
  return options;
}

TEST(ClientCounters, AHandshakeThatIsNotAnsweredIsHung) {
  const test::TempDir dir;
  // The kernel takes the connection, and nobody comes for it.
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(::listen(listener, 10), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  Producer producer(ntohs(address.sin_port), with_tls(dir));
  ASSERT_TRUE(producer.send(1));
  EXPECT_FALSE(producer.client.finish());
  EXPECT_GE(producer.client.counters().hung, 1U);
  EXPECT_EQ(producer.client.counters().refused + producer.client.counters().reset, 0U);
  ::close(listener);
}

TEST(ClientCounters, AHandshakeThatIsBrokenOffIsReset) {
  const test::TempDir dir;
  FakeServer server(Script{});  // what it is sent is no preface, so it closes
  Producer producer(server.port(), with_tls(dir));
  ASSERT_TRUE(producer.send(1));
  EXPECT_FALSE(producer.client.finish());
  EXPECT_GE(producer.client.counters().reset, 1U);
  EXPECT_EQ(producer.client.counters().refused + producer.client.counters().hung, 0U);
}

}  // namespace
}  // namespace txindex
