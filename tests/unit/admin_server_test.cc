// The admin port as a peer meets it, the honest and the other: over loopback, as bytes.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <filesystem>
#include <future>
#include <list>
#include <thread>

#include "admin/host_check.h"
#include "admin/page.h"
#include "admin/server.h"
#include "stats/block.h"
#include "stats/service.h"
#include "support/expect.h"
#include "support/http_exchange.h"
#include "support/process.h"

namespace txindex::admin {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::HttpConnection;
using test::HttpReply;
using namespace std::string_literals;

TEST(HostCheckTest, AddressesLocalhostAndTheNamesThatWereGivenAreAnswered) {
  const std::vector<std::string> names = {"indexer.example.org"};
  for (const char* host :
       {"127.0.0.1", "127.0.0.1:9464", "10.1.2.3:80", "[::1]", "[::1]:9464", "[fe80::1]:1",
        "localhost", "LocalHost:9464", "localhost.", "indexer.example.org",
        "Indexer.Example.Org:9464", "indexer.example.org.:9464"}) {
    EXPECT_TRUE(host_allowed(host, names)) << host;
  }
  for (const char* host : {"evil.example",
                           "evil.example:9464",
                           "127.0.0.1.evil.example",
                           "localhost.evil.example",
                           "xlocalhost",
                           "example.org",
                           "sub.indexer.example.org",
                           "127.0.0.1@evil.example",
                           "127.0.0.1:9464@evil.example",
                           "[::1",
                           "[::1]x",
                           "[evil.example]:1",
                           "::1",
                           "0x7f.1",
                           "2130706433",
                           "127.1",
                           "localhost:port",
                           "localhost:123456",
                           ":9464",
                           "."}) {
    EXPECT_FALSE(host_allowed(host, names)) << host;
  }
}

class AdminServerTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kConnectionsMax = 4;

  AdminServerTest() {
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener, 16), 0);
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);

    set(segment.service(), stats::ServiceWord::worker_slots, 1);
    options.hosts = {"indexer.example.org"};
    options.connections_max = kConnectionsMax;
    options.patience = milliseconds(100);
    options.stopping = milliseconds(300);
    options.session.request = milliseconds(300);
    options.session.answer = milliseconds(300);
    options.session.goodbye = milliseconds(300);
  }
  ~AdminServerTest() override {
    if (thread.joinable()) stop();
    server.reset();
    close(listener);
  }

  void start() {
    server = std::make_unique<Server>(loop, dup(listener), segment, options);
    server->start();
    thread = std::thread([this] { loop.run(); });
  }
  // Returns when the server says that it is done and has nothing more to do.
  void stop() {
    std::promise<void> gone;
    boost::asio::post(loop, [&] { server->stop([&] { gone.set_value(); }); });
    EXPECT_EQ(gone.get_future().wait_for(seconds(10)), std::future_status::ready);
    thread.join();
  }
  HttpReply request(const std::string& bytes) {
    HttpConnection connection(port);
    EXPECT_TRUE(connection.send(bytes));
    auto reply = connection.read();
    if (reply.headers["connection"] == "close") {
      EXPECT_TRUE(connection.ends(seconds(5)));
    }
    return reply;
  }
  static std::string get(const std::string& target, const std::string& host = "127.0.0.1") {
    return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  }

  int listener;
  std::uint16_t port = 0;
  stats::Segment segment = stats::Segment::create().value();
  ServerOptions options;
  boost::asio::io_context loop{1};
  std::unique_ptr<Server> server;
  std::thread thread;
};

// --- What is there -----------------------------------------------------------------------------

TEST_F(AdminServerTest, EveryPathAnswersOnOneConnection) {
  start();
  HttpConnection connection(port);
  EXPECT_EQ(connection.get("/healthz").body, "ok\n");
  EXPECT_EQ(connection.get("/metrics").headers["content-type"],
            "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(connection.get("/status").headers["content-type"], "application/json");
  EXPECT_EQ(connection.get("/history").status, 200);
  const auto page = connection.get("/");
  EXPECT_EQ(page.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.body, admin::page().html);
  EXPECT_EQ(connection.get("/status?pretty").status, 200);
}

TEST_F(AdminServerTest, ReadinessIsThatOfTheService) {
  start();
  auto reply = test::http_get(port, "/readyz");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.body, "not ready: no worker is ready\n");
  set(segment.block(0, 1), stats::Word::state,
      static_cast<std::uint64_t>(stats::ProcessState::ready));
  reply = test::http_get(port, "/readyz");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "ready\n");
}

TEST_F(AdminServerTest, SamplesAreTakenByTheClock) {
  start();
  EXPECT_TRUE(test::eventually(
      [&] { return test::http_get(port, "/history").body.find("\"t\":") != std::string::npos; }));
}

TEST_F(AdminServerTest, HeadIsGetWithoutTheBody) {
  start();
  HttpConnection connection(port);
  const auto body = connection.get("/healthz").body;
  ASSERT_TRUE(connection.send("HEAD /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  const auto reply = connection.read(true);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-length"), std::to_string(body.size()));
  EXPECT_EQ(connection.get("/healthz").body, body) << "the connection is in step";
}

TEST_F(AdminServerTest, AnOldClientIsAnsweredAndLeft) {
  start();
  HttpConnection connection(port);
  ASSERT_TRUE(connection.send("GET /healthz HTTP/1.0\r\n\r\n"));
  EXPECT_EQ(connection.read().body, "ok\n");
  EXPECT_TRUE(connection.ends(seconds(5)));
}

TEST_F(AdminServerTest, RequestsThatAreSentAheadAreAnsweredInOrder) {
  start();
  HttpConnection connection(port);
  ASSERT_TRUE(connection.send(get("/healthz") + get("/none") + get("/healthz")));
  EXPECT_EQ(connection.read().status, 200);
  EXPECT_EQ(connection.read().status, 404);
  EXPECT_EQ(connection.read().status, 200);
}

TEST_F(AdminServerTest, BrowsersAreToldToBeCareful) {
  start();
  for (const char* path : {"/", "/status", "/none"}) {
    auto reply = test::http_get(port, path);
    EXPECT_EQ(reply.headers["x-content-type-options"], "nosniff");
    EXPECT_EQ(reply.headers["referrer-policy"], "no-referrer");
    EXPECT_EQ(reply.headers["cache-control"], "no-store");
    EXPECT_HAS(reply.headers["content-security-policy"], "default-src 'none'");
    EXPECT_HAS(reply.headers["content-security-policy"], "frame-ancestors 'none'");
  }
}

TEST_F(AdminServerTest, ThePageNeedsNothingFromOutside) {
  const std::string html(page().html);
  for (const char* outside : {"http://", "https://", "//cdn", "@import", "url("}) {
    for (auto at = html.find(outside); at != std::string::npos; at = html.find(outside, at + 1)) {
      // The names of XML's own vocabularies are no addresses.
      EXPECT_EQ(html.substr(at, 18), "http://www.w3.org/") << html.substr(at, 60);
    }
  }
  EXPECT_EQ(html.find("@STYLE@"), std::string::npos);
  EXPECT_EQ(html.find("@SCRIPT@"), std::string::npos);
}

// --- What is refused ---------------------------------------------------------------------------

TEST_F(AdminServerTest, AnUnknownPathIsToldWhatThereIs) {
  start();
  const auto reply = test::http_get(port, "/admin");
  EXPECT_EQ(reply.status, 404);
  EXPECT_HAS(reply.body, "/metrics /healthz /readyz /status /history");
}

TEST_F(AdminServerTest, OtherMethodsAreNotAllowed) {
  start();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"}) {
    auto reply = request(method + " /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"s);
    EXPECT_EQ(reply.status, 405) << method;
    EXPECT_EQ(reply.headers["allow"], "GET, HEAD");
  }
}

TEST_F(AdminServerTest, AForeignHostIsRefusedByName) {
  start();
  const auto reply = request(get("/status", "evil.example:9464"));
  EXPECT_EQ(reply.status, 421);
  EXPECT_HAS(reply.body, "'evil.example:9464'");
  EXPECT_HAS(reply.body, "admin.hosts");
  EXPECT_EQ(reply.body.find("version"), std::string::npos);
  EXPECT_EQ(request(get("/healthz", "Indexer.example.org:80")).status, 200);
  EXPECT_EQ(request(get("/healthz", "localhost")).status, 200);
}

TEST_F(AdminServerTest, ARequestWithoutOneHostIsRefused) {
  start();
  EXPECT_EQ(request("GET /status HTTP/1.1\r\n\r\n").status, 400);
  const auto two = request("GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(two.status, 400);
  EXPECT_HAS(two.body, "one Host");
}

TEST_F(AdminServerTest, WhatIsNotHttpIsRefusedAndTheConnectionEnds) {
  start();
  for (const auto& bytes :
       {"\0TXI\x03\0\0\0"s, "hello\r\n\r\n"s, "GET / HTTP/9.9\r\nHost: a\r\n\r\n"s,
        "GET /\x01 HTTP/1.1\r\n\r\n"s, "GET / HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n"s,
        "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"s}) {
    HttpConnection connection(port);
    ASSERT_TRUE(connection.send(bytes + std::string(64, 'x') + "\r\n\r\n"));
    EXPECT_EQ(connection.read().status, 400) << bytes;
    EXPECT_TRUE(connection.ends(seconds(5)));
  }
  EXPECT_EQ(test::http_get(port, "/healthz").status, 200);
}

TEST_F(AdminServerTest, ABodyIsRefused) {
  start();
  auto reply = request("GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.headers["connection"], "close");
  reply =
      request("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  EXPECT_EQ(reply.status, 413);
  reply = request("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\nhello");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.headers["connection"], "close") << "the body must not be taken for a request";
}

TEST_F(AdminServerTest, AnOversizedHeaderIsRefused) {
  start();
  const auto with_header = [&](std::size_t bytes) {
    return request("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + std::string(bytes, 'x') +
                   "\r\n\r\n");
  };
  EXPECT_EQ(with_header(7000).status, 200);
  const auto reply = with_header(9000);
  EXPECT_EQ(reply.status, 431);
  EXPECT_HAS(reply.body, "8192");
  EXPECT_EQ(with_header(100'000).status, 431);
  EXPECT_EQ(request("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n").status, 431);
}

TEST_F(AdminServerTest, TheLimitOfAHeaderHoldsForRequestLineAndFieldsTogether) {
  start();
  const auto of_bytes = [](std::size_t bytes) {
    const std::string begin =
        "GET /healthz?" + std::string(4000, 'q') + " HTTP/1.1\r\nHost: a.example\r\nX: ";
    return begin + std::string(bytes - begin.size() - 4, 'x') + "\r\n\r\n";
  };
  for (const std::size_t pieces : {1, 2, 7}) {
    for (const std::size_t bytes : {8192, 8193}) {
      const std::string whole = of_bytes(bytes);
      HttpConnection connection(port);
      for (std::size_t at = 0; at < bytes; at += bytes / pieces + 1)
        connection.send(whole.substr(at, bytes / pieces + 1));
      EXPECT_EQ(connection.read().status, bytes == 8192 ? 421 : 431) << bytes << " in " << pieces;
    }
  }
}

TEST_F(AdminServerTest, ASlowRequestIsRefusedHoweverSteadilyItComes) {
  start();
  HttpConnection slow(port);
  const auto begun = std::chrono::steady_clock::now();
  const std::string bytes = "GET /" + std::string(200, 'x');
  std::thread dripping([&] {
    for (const char c : bytes) {
      if (!slow.send(std::string(1, c))) return;
      std::this_thread::sleep_for(milliseconds(50));  // the rate at which this client sends
    }
  });
  EXPECT_EQ(slow.read().status, 408);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(5))
      << "one deadline for the whole request";
  dripping.join();
  EXPECT_TRUE(slow.ends(seconds(5)));
}

TEST_F(AdminServerTest, APeerThatDoesNotTakeItsAnswersIsLeft) {
  options.session.answer = milliseconds(200);
  start();
  HttpConnection greedy(port);
  // Answers of more bytes than the kernel holds for it.
  const std::string request = get("/");
  std::size_t sent = 0;
  while (sent < 2'000'000 && greedy.send(request))
    ++sent;
  EXPECT_LT(sent, 2'000'000u) << "the server reads on and on";
}

TEST_F(AdminServerTest, AnIdleConnectionEnds) {
  options.session.idle = milliseconds(200);
  start();
  HttpConnection connection(port);
  EXPECT_EQ(connection.get("/healthz").status, 200);
  EXPECT_TRUE(connection.ends(seconds(5)));
}

TEST_F(AdminServerTest, WhoeverHasWaitedLongestGivesWayWhenAllConnectionsAreTaken) {
  options.session.request = seconds(30);
  start();
  std::list<HttpConnection> crowd;
  for (std::size_t i = 0; i < kConnectionsMax; ++i) {
    crowd.emplace_back(port);
    ASSERT_TRUE(crowd.back().send("GET /heal"));
  }
  EXPECT_EQ(test::http_get(port, "/healthz").body, "ok\n");
  EXPECT_TRUE(crowd.front().ends(seconds(5)));
  ASSERT_TRUE(crowd.back().send("thz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  EXPECT_EQ(crowd.back().read().body, "ok\n");
}

TEST_F(AdminServerTest, MoreAtOnceThanThereAreConnectionsAreAllAnswered) {
  start();
  std::list<HttpConnection> crowd;
  for (std::size_t i = 0; i < 3 * kConnectionsMax; ++i) {
    crowd.emplace_back(port);
    ASSERT_TRUE(
        crowd.back().send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close"
                          "\r\n\r\n"));
  }
  for (auto& connection : crowd)
    EXPECT_EQ(connection.read().body, "ok\n");
}

// --- The end -----------------------------------------------------------------------------------

TEST_F(AdminServerTest, StoppingLeavesTheQueueToOtherHolders) {
  start();
  HttpConnection before(port);
  EXPECT_EQ(before.get("/healthz").status, 200);
  stop();
  EXPECT_TRUE(before.ends(seconds(5)));
  server.reset();

  HttpConnection waiting(port);  // in the queue: the socket still listens
  ASSERT_TRUE(waiting.send(get("/healthz")));
  loop.restart();
  start();
  EXPECT_EQ(waiting.read().body, "ok\n");
}

TEST_F(AdminServerTest, ARequestThatHasBegunOrIsTheFirstIsAnsweredBeforeTheEnd) {
  options.stopping = seconds(5);
  options.session.request = seconds(5);
  start();
  HttpConnection begun(port);
  ASSERT_TRUE(begun.send("GET /healthz HTTP/1.1\r\n"));
  HttpConnection connected(port);
  ASSERT_EQ(test::http_get(port, "/healthz").status, 200) << "so the other ones have arrived";
  std::promise<void> gone;
  boost::asio::post(loop, [&] { server->stop([&] { gone.set_value(); }); });
  auto ended = gone.get_future();
  EXPECT_EQ(ended.wait_for(milliseconds(50)), std::future_status::timeout);
  ASSERT_TRUE(begun.send("Host: 127.0.0.1\r\n\r\n"));
  ASSERT_TRUE(connected.send(get("/healthz")));
  for (HttpConnection* const connection : {&begun, &connected}) {
    auto reply = connection->read();
    EXPECT_EQ(reply.body, "ok\n");
    EXPECT_EQ(reply.headers["connection"], "close");
    EXPECT_TRUE(connection->ends(seconds(5)));
  }
  EXPECT_EQ(ended.wait_for(seconds(5)), std::future_status::ready);
  thread.join();
}

TEST_F(AdminServerTest, OneThatDoesNotEndIsCutOff) {
  options.session.request = seconds(30);
  start();
  HttpConnection connection(port);
  ASSERT_TRUE(connection.send("GET /heal"));
  ASSERT_EQ(test::http_get(port, "/healthz").status, 200);
  stop();
  EXPECT_TRUE(connection.ends(seconds(5)));
}

TEST_F(AdminServerTest, NoDescriptorIsLost) {
  start();
  const auto open = [] {
    using std::filesystem::directory_iterator;
    return std::distance(directory_iterator("/proc/self/fd"), directory_iterator());
  };
  EXPECT_EQ(test::http_get(port, "/healthz").status, 200);
  EXPECT_TRUE(test::eventually([&, first = open()] {
    for (int i = 0; i < 20; ++i)
      test::http_get(port, "/healthz");
    return open() <= first;
  }));
}

}  // namespace
}  // namespace txindex::admin
