// TLS sessions against each other, over a pair of sockets with little room.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
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

// A client of OpenSSL's own, which can do what Session has no words for.
class RawPeer {
 public:
  explicit RawPeer(int fd)
      : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
        ssl_(SSL_new(context_.get()), SSL_free) {
    SSL_set_fd(ssl_.get(), fd);
    SSL_set_connect_state(ssl_.get());
  }
  void shake_hands(Session& server) {
    Status other = Status::again;
    for (int i = 0; i < 100 && (SSL_do_handshake(ssl_.get()) != 1 || other == Status::again); ++i)
      other = server.handshake();
    ASSERT_EQ(other, Status::ok) << server.problem();
  }
  // False: the socket takes no more.
  bool change_keys(int type) {
    return SSL_key_update(ssl_.get(), type) == 1 && SSL_do_handshake(ssl_.get()) == 1;
  }
  bool write(Bytes bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }

 private:
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
};

// OpenSSL would go on reading such messages for as long as they come, inside of one call.
TEST_F(TlsSessionTest, APeerThatOnlyChangesKeysHasFailed) {
  for (const int type : {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
    RawPeer peer(fds[1]);
    server = std::make_unique<Session>(*server_context, fds[0]);
    peer.shake_hands(*server);
    Blob space(1000);
    int changes = 0;
    Session::Moved moved{0, Status::again};
    for (; changes < 1000 && moved.status == Status::again; ++changes) {
      ASSERT_TRUE(peer.change_keys(type));
      moved = server->read(space);
    }
    EXPECT_EQ(moved.status, Status::failed);
    EXPECT_EQ(server->problem(), "the peer changes keys again and again");
    EXPECT_TRUE(server->broken_by_peer());
    EXPECT_GT(changes, 10);
    EXPECT_LT(changes, 20);
    while (read(fds[1], space.data(), space.size()) > 0) {
    }
  }
}

TEST_F(TlsSessionTest, APeerThatChangesKeysNowAndThenIsServed) {
  RawPeer peer(fds[1]);
  peer.shake_hands(*server);
  const Blob bytes(1000, 7);
  Blob space(2000);
  for (int i = 0; i < 20'000; ++i) {
    if (i % 1000 == 0) {
      ASSERT_TRUE(peer.change_keys(SSL_KEY_UPDATE_NOT_REQUESTED));
    }
    ASSERT_TRUE(peer.write(bytes));
    ASSERT_EQ(server->read(space).bytes, bytes.size()) << server->problem();
  }
}

TEST_F(TlsSessionTest, ACallTakesAPartOfManyTinyRecords) {
  for (const int fd : fds) {
    const int bytes = 1 << 20;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  }
  shake_hands();
  constexpr std::size_t kRecords = 1000;
  for (std::size_t i = 0; i < kRecords; ++i)
    ASSERT_EQ(client->write(Blob{static_cast<std::uint8_t>(i)}).bytes, 1U);
  Blob space(2000);
  Blob got;
  std::size_t calls = 0;
  for (; got.size() < kRecords; ++calls) {
    const auto n = server->read(space).bytes;
    ASSERT_EQ(server->buffered(), got.size() + n < kRecords || n == 0) << "else nobody asks again";
    got.insert(got.end(), space.begin(), space.begin() + static_cast<std::ptrdiff_t>(n));
  }
  EXPECT_GE(calls, 3U);
  for (std::size_t i = 0; i < kRecords; ++i)
    ASSERT_EQ(got[i], static_cast<std::uint8_t>(i));
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
  EXPECT_FALSE(client->broken_by_peer());
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
