#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <set>
#include <thread>

#include "support/fake_server.h"
#include "support/process.h"
#include "support/temp_dir.h"
#include "tools/send.h"

namespace txindex::tools {
namespace {

using test::FakeServer;
using wire::Buffer;
using wire::Outcome;
using Script = FakeServer::Script;
using namespace std::chrono_literals;

std::string file_of(std::uint64_t begin, std::uint64_t end) {
  Buffer out(wire::kFilePreface.begin(), wire::kFilePreface.end());
  for (std::uint64_t i = begin; i < end; ++i) {
    Buffer number;
    wire::append(number, i);
    wire::append_tx(
        out,
        {.chain = 1, .time_us = static_cast<std::int64_t>(i), .slot = {}, .transaction = number});
  }
  return std::string(as_text(out));
}

std::uint64_t number_of(Bytes body) {
  return wire::load<std::uint64_t>(wire::parse_tx(body)->transaction.data());
}

struct SendReport {
  result<bool> done;
  boost::json::object json;

  std::uint64_t at(const char* name) const { return json.at(name).to_number<std::uint64_t>(); }
};

SendReport send(const FakeServer& server, SendOptions options) {
  options.server = {"127.0.0.1", server.port()};
  options.json = true;
  testing::internal::CaptureStdout();
  auto done = send_inputs(options);
  return {done, boost::json::parse(testing::internal::GetCapturedStdout()).as_object()};
}

SendOptions of(std::vector<std::string> inputs) {
  SendOptions options;
  options.inputs = std::move(inputs);
  return options;
}

TEST(Send, SendsAllInputsOverAllConnections) {
  const test::TempDir dir;
  test::write_file(dir / "a.txs", file_of(0, 5000));
  test::write_file(dir / "b.txs", file_of(5000, 9000));
  FakeServer server(Script{});
  auto options = of({dir / "a.txs", dir / "b.txs"});
  options.connections = 4;
  const SendReport report = send(server, options);
  ASSERT_TRUE(report.done);
  EXPECT_TRUE(*report.done);
  EXPECT_EQ(report.at("committed"), 9000U);
  EXPECT_EQ(report.at("total"), 9000U);
  EXPECT_EQ(report.at("unacknowledged"), 0U);
  std::set<std::uint64_t> numbers;
  const auto connections = server.connections();
  EXPECT_EQ(connections.size(), 4U);
  for (const auto& connection : connections) {
    EXPECT_TRUE(connection.finished);
    EXPECT_EQ(connection.broken, "");
    for (const auto& body : connection.bodies)
      numbers.insert(number_of(body));
  }
  EXPECT_EQ(numbers.size(), 9000U);
  EXPECT_EQ(*numbers.rbegin(), 8999U);
}

TEST(Send, KeepsTheTimesOfAFileAndStampsLinesOnce) {
  const test::TempDir dir;
  test::write_file(dir / "a.txs", file_of(77, 78));
  test::write_file(dir / "b.lines", "AAAAAAAAAAA=\n");
  FakeServer server(Script{});
  ASSERT_TRUE(*send(server, of({dir / "a.txs", dir / "b.lines"})).done);
  const auto bodies = server.connections()[0].bodies;
  ASSERT_EQ(bodies.size(), 2U);
  EXPECT_EQ(wire::parse_tx(bodies[0])->time_us, 77);
  EXPECT_GT(wire::parse_tx(bodies[1])->time_us, 1'600'000'000'000'000);
}

TEST(Send, ListsTheRejectedOnesAndIsNoSuccess) {
  const test::TempDir dir;
  test::write_file(dir / "a.txs", file_of(0, 10));
  test::write_file(dir / "b.txs", file_of(10, 20));
  const auto judge = [](Bytes body) {
    const auto n = number_of(body);
    if (n == 3) return Outcome::bad_signature;
    if (n == 14) return Outcome::time_out_of_range;
    return n % 2 == 0 ? Outcome::committed : Outcome::duplicate;
  };
  FakeServer server([](std::size_t) { return Script{}; }, judge);
  auto options = of({dir / "a.txs", dir / "b.txs"});
  options.rejects = dir / "rejects";
  const SendReport report = send(server, options);
  ASSERT_TRUE(report.done);
  EXPECT_FALSE(*report.done);
  EXPECT_EQ(report.at("bad_signature"), 1U);
  EXPECT_EQ(report.at("duplicate"), 9U);
  EXPECT_EQ(report.at("committed"), 9U);
  const std::string a = dir / "a.txs";
  const std::string b = dir / "b.txs";
  EXPECT_EQ(test::read_file(options.rejects),
            "4\t" + a + "\t4\tbad_signature\n15\t" + b + "\t5\ttime_out_of_range\n");
}

TEST(Send, AMalformedInputIsAFailureButWhatCameBeforeIsAcknowledged) {
  const test::TempDir dir;
  const std::string whole = file_of(0, 100);
  test::write_file(dir / "cut.txs", whole.substr(0, whole.size() - 3));
  FakeServer server(Script{});
  const SendReport report = send(server, of({dir / "cut.txs"}));
  ASSERT_FALSE(report.done);
  EXPECT_NE(report.done.error().message.find("frame 100 is cut off"), std::string::npos);
  EXPECT_EQ(report.at("committed"), 99U);
  EXPECT_EQ(report.at("unacknowledged"), 0U);
}

TEST(Send, ATransactionThatFitsNoFrameIsRejectedAndTheRestIsSent) {
  const test::TempDir dir;
  Buffer file(wire::kFilePreface.begin(), wire::kFilePreface.end());
  // Fits a frame without a time, not with one.
  const Buffer large(limits::kFrameMaxBytes - 3);
  wire::append_tx(file, {.chain = 1, .time_us = {}, .slot = {}, .transaction = large});
  test::write_file(dir / "large.txs", std::string(as_text(file)) + file_of(0, 10).substr(4));
  FakeServer server(Script{});
  const SendReport report = send(server, of({dir / "large.txs"}));
  ASSERT_TRUE(report.done);
  EXPECT_FALSE(*report.done);
  EXPECT_EQ(report.at("too_large"), 1U);
  EXPECT_EQ(report.at("committed"), 10U);
}

TEST(Send, RidesOutDrainsAndLostConnections) {
  const test::TempDir dir;
  test::write_file(dir / "a.txs", file_of(0, 20000));
  const auto script = [](std::size_t connection) {
    Script s;
    if (connection < 20) {
      s.end_after = 500 + 100 * connection;
      s.ending = connection % 2 == 0 ? FakeServer::Ending::drain : FakeServer::Ending::reset;
    }
    return s;
  };
  FakeServer server(script);
  auto options = of({dir / "a.txs"});
  options.connections = 3;
  const SendReport report = send(server, options);
  ASSERT_TRUE(report.done) << report.done.error().message;
  EXPECT_TRUE(*report.done);
  EXPECT_EQ(report.at("committed"), 20000U);
  EXPECT_GE(report.at("reconnects"), 5U);
}

TEST(Send, AServerThatRefusesIsAFailureWithItsWords) {
  const test::TempDir dir;
  test::write_file(dir / "a.txs", file_of(0, 100));
  Script script;
  script.end_after = 10;
  script.ending = FakeServer::Ending::say;
  wire::append_error(script.last_words, wire::ErrorCode::refused, "go away");
  FakeServer server(script);
  const SendReport report = send(server, of({dir / "a.txs"}));
  ASSERT_FALSE(report.done);
  EXPECT_NE(report.done.error().message.find("go away"), std::string::npos);
  EXPECT_EQ(report.at("committed") + report.at("unacknowledged"), 100U);
}

constexpr const char* kNotRead = "the input was not read to its end";

TEST(Send, AServerThatNeverServesIsGivenUpWithItsWords) {
  const test::TempDir dir;
  test::write_file(dir / "a.txs", file_of(0, 10));
  Script script;
  script.end_after = 0;
  script.ack_first = 0;
  script.ending = FakeServer::Ending::say;
  wire::append_error(script.last_words, wire::ErrorCode::too_many_connections, "too many of you");
  FakeServer server(script);
  SendOptions options = of({dir / "a.txs"});
  options.give_up_after = 1s;
  const SendReport report = send(server, options);
  ASSERT_FALSE(report.done);
  EXPECT_NE(report.done.error().message.find("too many of you"), std::string::npos);
  EXPECT_EQ(report.done.error().message.find(kNotRead), std::string::npos);
  EXPECT_EQ(report.at("unacknowledged"), 10U);
}

// ThreadSanitizer puts a handler off until the system call that it should have interrupted returns.
#ifdef __SANITIZE_THREAD__
constexpr bool kSignalsInterrupt = false;
#else
constexpr bool kSignalsInterrupt = true;
#endif

// A pipe that stays open: what a live producer is.
class Fifo {
 public:
  explicit Fifo(std::string path) : path_(std::move(path)) {
    EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0);
    // For reading too, so that opening waits for nobody.
    fd_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
  }
  ~Fifo() { ::close(fd_); }
  void write(const std::string& bytes) const {
    EXPECT_EQ(::write(fd_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

 private:
  std::string path_;
  int fd_;
};

TEST(Send, WhoGivesUpSaysThatThereWasMoreToRead) {
  const test::TempDir dir;
  const Fifo fifo(dir / "pipe");
  fifo.write(file_of(0, 10));
  Script script;
  script.end_after = 0;
  script.ack_first = 0;
  FakeServer server(script);
  SendOptions options = of({dir / "pipe"});
  options.give_up_after = 1s;
  const SendReport report = send(server, options);
  ASSERT_FALSE(report.done);
  EXPECT_NE(report.done.error().message.find(kNotRead), std::string::npos)
      << report.done.error().message;
}

TEST(Send, WhatALivePipeGaveIsSentAtOnceAndAnInterruptEndsCleanly) {
  if (!kSignalsInterrupt) GTEST_SKIP();
  const test::TempDir dir;
  const Fifo fifo(dir / "fifo");
  fifo.write(file_of(0, 50));
  FakeServer server(Script{});
  std::thread person([&] {
    EXPECT_TRUE(test::eventually([&] { return server.received() == 50; }));
    fifo.write(file_of(50, 60).substr(4));
    EXPECT_TRUE(test::eventually([&] { return server.received() == 60; }));
    kill(getpid(), SIGINT);
  });
  const SendReport report = send(server, of({dir / "fifo"}));
  person.join();
  ASSERT_FALSE(report.done);
  EXPECT_NE(report.done.error().message.find("interrupted"), std::string::npos);
  EXPECT_EQ(report.at("committed"), 60U);
  EXPECT_EQ(report.at("unacknowledged"), 0U);
}

TEST(Send, ASecondInterruptDoesNotWaitForTheServer) {
  if (!kSignalsInterrupt) GTEST_SKIP();
  const test::TempDir dir;
  test::write_file(dir / "a.txs", file_of(0, 50));
  Script script;
  script.ack_every = FakeServer::kNever;
  script.ack_when_quiet = 1h;
  FakeServer server(script);
  std::thread person([&] {
    EXPECT_TRUE(test::eventually([&] { return server.received() == 50; }));
    kill(getpid(), SIGINT);
    kill(getpid(), SIGTERM);  // not SIGINT again: two of a kind that are pending become one
  });
  const SendReport report = send(server, of({dir / "a.txs"}));
  person.join();
  ASSERT_FALSE(report.done);
  EXPECT_EQ(report.at("unacknowledged"), 50U);
}

}  // namespace
}  // namespace txindex::tools
