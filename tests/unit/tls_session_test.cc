// TLS sessions against each other, over a pair of sockets with little room.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "support/certificates.h"
#include "tls/session.h"

namespace txindex::tls {
namespace {

using Status = Session::Status;
using Blob = std::vector<std::uint8_t>;

class TlsSessionTest : public testing::Test {
 protected:
  TlsSessionTest() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    for (const int fd : fds) {
      const int bytes = 4096;  // of which the kernel makes twice as much
      setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    }
    const auto files = authority.sign("server");
    server_context = load_server({files.certificate, files.key, ""}).value();
    client_context = load_client({authority.file(), "", ""}).value();
    server = std::make_unique<Session>(*server_context, fds[0]);
    client = std::make_unique<Session>(*client_context, fds[1], "localhost");
  }
  ~TlsSessionTest() override {
    for (const int fd : fds)
      if (fd >= 0) ::close(fd);
  }

  void shake_hands() {
    Status one = Status::again;
    Status other = Status::again;
    for (int i = 0; i < 100 && (one == Status::again || other == Status::again); ++i) {
      if (one == Status::again) one = client->handshake();
      if (other == Status::again) other = server->handshake();
      client->flush();
      server->flush();
    }
    ASSERT_EQ(one, Status::ok) << client->problem();
    ASSERT_EQ(other, Status::ok) << server->problem();
  }

  test::TempDir dir;
  test::Authority authority{dir, "ours"};
  ContextPtr server_context;
  ContextPtr client_context;
  int fds[2] = {-1, -1};
  std::unique_ptr<Session> server;
  std::unique_ptr<Session> client;
};

TEST_F(TlsSessionTest, BytesArriveAsTheyWereSentHoweverTheSocketsFillUp) {
  shake_hands();
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  struct Way {
    Session& from;
    Session& to;
    Blob bytes = Blob(1'000'000);
    std::size_t sent = 0;
    std::size_t received = 0;
  };
  Way ways[] = {{*client, *server}, {*server, *client}};
  for (auto& way : ways)
    for (auto& byte : way.bytes)
      byte = static_cast<std::uint8_t>(random());
  bool kept_some = false;
  Blob space(100'000);
  while (ways[0].received < ways[0].bytes.size() || ways[1].received < ways[1].bytes.size()) {
    Way& way = ways[random() % 2];
    if (random() % 2 == 0) {
      // What comes after an `again` need not be what came before it.
      const std::size_t n = std::min(way.bytes.size() - way.sent, random() % 50'000);
      const auto [taken, status] = way.from.write(Bytes(way.bytes).subspan(way.sent, n));
      ASSERT_TRUE(status == Status::ok || status == Status::again) << way.from.problem();
      way.sent += taken;
      kept_some = kept_some || way.from.unsent();
      if (way.sent == way.bytes.size()) way.from.flush();
    } else {
      const std::size_t n = 1 + random() % space.size();
      const auto [got, status] = way.to.read(std::span(space).first(n));
      ASSERT_TRUE(status == Status::ok || status == Status::again) << way.to.problem();
      ASSERT_LE(way.received + got, way.bytes.size());
      ASSERT_TRUE(std::equal(space.begin(), space.begin() + static_cast<std::ptrdiff_t>(got),
                             way.bytes.begin() + static_cast<std::ptrdiff_t>(way.received)));
      way.received += got;
    }
  }
  EXPECT_TRUE(kept_some) << "the sockets were never full";
}

TEST_F(TlsSessionTest, WhatWasReceivedAndNotGivenOutIsKnown) {
  shake_hands();
  EXPECT_FALSE(server->buffered());
  const Blob bytes(100, 7);
  EXPECT_EQ(client->write(bytes).bytes, 100U);
  Blob space(60);
  EXPECT_EQ(server->read(space).bytes, 60U);
  EXPECT_TRUE(server->buffered());
  EXPECT_EQ(server->read(space).bytes, 40U);
  EXPECT_FALSE(server->buffered());
  EXPECT_EQ(server->read(space).status, Status::again);
}

TEST_F(TlsSessionTest, AnEndThatWasSaidIsOneAndACutIsAFailure) {
  shake_hands();
  const Blob bytes(10, 7);
  client->write(bytes);
  EXPECT_EQ(client->finish(), Status::ok);
  Blob space(60);
  const auto first = server->read(space);
  EXPECT_EQ(first.bytes, 10U);
  EXPECT_EQ(first.status, Status::ok);
  EXPECT_TRUE(server->buffered()) << "or nobody would ask again";
  EXPECT_EQ(server->read(space).status, Status::ended);
  // The other direction goes on.
  EXPECT_EQ(server->write(bytes).bytes, 10U);
  EXPECT_EQ(client->read(space).bytes, 10U);
  ::close(std::exchange(fds[0], -1));
  EXPECT_EQ(client->read(space).status, Status::failed);
  EXPECT_EQ(client->problem(), "the peer closed the connection without ending TLS");
  EXPECT_FALSE(client->hopeless());
  EXPECT_EQ(client->read(space).status, Status::failed);
}

TEST_F(TlsSessionTest, AClientThatDoesNotBelieveTheServerSaysWhy) {
  client = std::make_unique<Session>(*client_context, fds[1], "db.example");
  client->handshake();
  server->handshake();
  EXPECT_EQ(client->handshake(), Status::failed);
  EXPECT_NE(client->problem().find("hostname mismatch"), std::string::npos) << client->problem();
  EXPECT_TRUE(client->hopeless());
  EXPECT_EQ(server->handshake(), Status::failed) << "the client sends an alert";
}

}  // namespace
}  // namespace txindex::tls
