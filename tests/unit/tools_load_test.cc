// txindex load against a server that a test plays.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <map>
#include <set>
#include <thread>

#include "support/fake_server.h"
#include "support/process.h"
#include "support/temp_dir.h"
#include "tools/journal.h"
#include "tools/load.h"

namespace txindex::tools {
namespace {

using test::FakeServer;
using wire::Outcome;
using Script = FakeServer::Script;
using namespace std::chrono_literals;

struct LoadReport {
  result<bool> done;
  boost::json::object json;

  std::uint64_t at(const char* name) const { return json.at(name).to_number<std::uint64_t>(); }
  double ms(const char* name) const {
    return json.at("latency_us").at(name).to_number<double>() / 1000;
  }
};

LoadReport load(const FakeServer& server, LoadOptions options) {
  options.server = {"127.0.0.1", server.port()};
  options.json = true;
  testing::internal::CaptureStdout();
  auto done = tools::load(options);
  const std::string said = testing::internal::GetCapturedStdout();
  return {done, said.empty() ? boost::json::object() : boost::json::parse(said).as_object()};
}

LoadOptions of(std::uint64_t count, unsigned connections) {
  LoadOptions options;
  options.count = count;
  options.connections = connections;
  options.accounts = 10;
  return options;
}

// Answers only when nothing has come for so long.
Script slow(std::chrono::milliseconds quiet, std::uint32_t window) {
  Script script;
  script.ack_every = FakeServer::kNever;
  script.ack_when_quiet = quiet;
  script.welcome.window_transactions = window;
  return script;
}

TEST(Load, ClosedLoopSendsEachOnceOverAllConnections) {
  // Slow enough that no thread has sent all before another one begins.
  FakeServer server(slow(10ms, 20));
  auto options = of(3000, 20);
  options.window = 20;  // before WELCOME, too
  options.threads = 2;
  const LoadReport report = load(server, options);
  ASSERT_TRUE(report.done) << report.done.error().message;
  EXPECT_TRUE(*report.done);
  EXPECT_EQ(report.json.at("mode"), "closed");
  EXPECT_EQ(report.at("committed"), 3000U);
  EXPECT_EQ(report.at("total"), 3000U);
  EXPECT_EQ(report.at("unacknowledged"), 0U);
  EXPECT_EQ(report.json.at("latency_us").at("count"), 3000);
  const auto connections = server.connections();
  ASSERT_EQ(connections.size(), 20U);
  std::set<wire::Buffer> bodies;
  for (const auto& connection : connections) {
    EXPECT_EQ(connection.broken, "");
    EXPECT_TRUE(connection.window_respected);
    EXPECT_GT(connection.bodies.size(), 0U);
    bodies.insert(connection.bodies.begin(), connection.bodies.end());
  }
  EXPECT_EQ(bodies.size(), 3000U);
}

TEST(Load, TheWindowIsKeptThoughTheServerAllowsMore) {
  auto script = slow(30ms, 1000);
  FakeServer server(script);
  auto options = of(50, 1);
  options.window = 10;
  const LoadReport report = load(server, options);
  ASSERT_TRUE(report.done);
  // Five times ten, each answered after the quiet.
  EXPECT_GE(report.json.at("seconds").to_number<double>(), 0.15);
  EXPECT_GE(report.json.at("longest_gap_seconds").to_number<double>(), 0.03);
  EXPECT_LT(report.ms("max"), 10 * 30);  // from when it was sent, not from the start
}

TEST(Load, OpenLoopKeepsTheRateAndItsTimes) {
  FakeServer server(Script{});
  LoadOptions options = of(0, 4);
  options.count.reset();
  options.duration = 1s;
  options.rate = 500;
  const LoadReport report = load(server, options);
  ASSERT_TRUE(report.done) << report.done.error().message;
  EXPECT_TRUE(*report.done);
  EXPECT_EQ(report.json.at("mode"), "open");
  EXPECT_EQ(report.at("total"), 500U);
  EXPECT_EQ(report.at("unsent"), 0U);
  EXPECT_GE(report.json.at("seconds").to_number<double>(), 0.99);
  EXPECT_EQ(server.received(), 500U);
}

// The server takes ten at a time and answers every 200 ms, and 40 should go within 40 ms: the last
// ten wait three times for room. Counted from when it was sent, none would have taken over 200 ms.
TEST(Load, OpenLoopCountsTheWaitForRoomAsLatency) {
  FakeServer server(slow(200ms, 10));
  auto options = of(40, 1);
  options.window = 10;  // before WELCOME, too
  options.rate = 1000;
  const LoadReport report = load(server, options);
  ASSERT_TRUE(report.done);
  EXPECT_TRUE(*report.done);
  EXPECT_EQ(report.at("committed"), 40U);
  EXPECT_GE(report.ms("max"), 740);  // 4 x 200 less the 39 ms at which it was due, and rounding
  EXPECT_GE(report.ms("p90"), 740);
  EXPECT_GE(report.ms("p50"), 350);
  EXPECT_GE(report.at("late"), 30U);  // the first ten too, if the machine is busy
  EXPECT_EQ(report.at("unsent"), 0U);
}

TEST(Load, OpenLoopDoesNotForgetThoseItCouldNotSend) {
  FakeServer server(slow(300ms, 10));
  LoadOptions options = of(0, 1);
  options.count.reset();
  options.rate = 1000;
  options.duration = 500ms;
  options.window = 10;  // for the time before WELCOME, too
  const LoadReport report = load(server, options);
  ASSERT_TRUE(report.done);
  EXPECT_FALSE(*report.done);  // not all that was asked for
  EXPECT_EQ(report.at("unacknowledged"), 0U);
  EXPECT_EQ(report.at("total") + report.at("unsent"), 500U);
  EXPECT_LE(report.at("total"), 30U);  // two windows, and what is next on the connection
  EXPECT_EQ(report.json.at("latency_us").at("count"), 500);
  EXPECT_GE(report.ms("p50"), 200);  // of those that wait: half of them longer than 250
}

TEST(Load, AShortSupplyIsReportedAsTimeWaitedForIt) {
  FakeServer server(Script{});
  server.forget_bodies();
  LoadOptions options = of(20'000, 4);
  options.ahead = 1;  // one pack
  const LoadReport report = load(server, options);
  ASSERT_TRUE(report.done);
  EXPECT_EQ(report.at("committed"), 20'000U);
  EXPECT_GT(report.at("made_meanwhile"), 19'000U);
  EXPECT_GT(report.json.at("waited_for_transactions_seconds").to_number<double>(), 0.0);
}

TEST(Load, OutcomesAreCountedAndARejectionIsNoSuccess) {
  std::uint64_t n = 0;
  const auto judge = [&n](Bytes) {
    ++n;
    return n % 100 == 0  ? Outcome::bad_signature
           : n % 10 == 0 ? Outcome::duplicate
                         : Outcome::committed;
  };
  FakeServer server([](std::size_t) { return Script{}; }, judge);
  const LoadReport report = load(server, of(1000, 3));
  ASSERT_TRUE(report.done);
  EXPECT_FALSE(*report.done);
  EXPECT_EQ(report.at("committed"), 900U);
  EXPECT_EQ(report.at("duplicate"), 90U);
  EXPECT_EQ(report.at("bad_signature"), 10U);
}

TEST(Load, LostConnectionsAreRiddenOutAndCounted) {
  const auto script = [](std::size_t connection) {
    Script s;
    if (connection < 6) {
      s.end_after = 100 + 20 * connection;
      s.ending = connection % 2 == 0 ? FakeServer::Ending::drain : FakeServer::Ending::reset;
    }
    return s;
  };
  FakeServer server(script);
  const LoadReport report = load(server, of(3000, 3));
  ASSERT_TRUE(report.done) << report.done.error().message;
  EXPECT_TRUE(*report.done);
  EXPECT_EQ(report.at("committed"), 3000U);
  EXPECT_GE(report.at("reconnects"), 2U);
}

TEST(Load, AServerThatRefusesOrIsNotThereIsAFailureWithItsWords) {
  Script script;
  script.end_after = 10;
  script.ending = FakeServer::Ending::say;
  wire::append_error(script.last_words, wire::ErrorCode::refused, "go away");
  FakeServer server(script);
  const LoadReport report = load(server, of(1000, 2));
  ASSERT_FALSE(report.done);
  EXPECT_NE(report.done.error().message.find("go away"), std::string::npos);
  EXPECT_EQ(report.at("committed") + report.at("unacknowledged"), report.at("total"));

  Script mute;
  mute.says_welcome = false;
  FakeServer silent(mute);
  auto options = of(10, 1);
  options.give_up_after = 300ms;
  const LoadReport none = load(silent, options);
  ASSERT_FALSE(none.done);
  EXPECT_EQ(none.at("unacknowledged"), 10U);
  EXPECT_GE(none.ms("p50"), 250);  // they waited, and count
}

TEST(Load, AnInterruptEndsTheSendingAndWaitsForTheAnswers) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer puts a handler off until what it should interrupt has returned";
#endif
  FakeServer server(slow(100ms, 50));
  LoadOptions options = of(0, 2);
  options.count.reset();
  options.duration = 1h;
  options.ahead = 1000;
  std::thread person([&] {
    EXPECT_TRUE(test::eventually([&] { return server.received() >= 200; }));
    kill(getpid(), SIGINT);
  });
  const LoadReport report = load(server, options);
  person.join();
  ASSERT_FALSE(report.done);
  EXPECT_NE(report.done.error().message.find("interrupted"), std::string::npos);
  EXPECT_GE(report.at("committed"), 200U);
  EXPECT_EQ(report.at("unacknowledged"), 0U);
}

TEST(Load, WhatWouldNeverEndIsRefused) {
  LoadOptions options;
  const auto done = tools::load(options);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().exit_status, kExitConfiguration);
  EXPECT_NE(done.error().message.find("--duration"), std::string::npos);
}

// --- The journal -------------------------------------------------------------------------------

std::vector<journal::Record> records_of(const std::string& path) {
  auto reader = journal::Reader::open(path);
  EXPECT_TRUE(reader);
  std::vector<journal::Record> records;
  while (reader) {
    auto next = reader->next();
    EXPECT_TRUE(next);
    if (!next || !*next) break;
    records.push_back(**next);
  }
  return records;
}

// Looks into the file when a transaction has come, while others of the same turn are still being
// sent: a record that is written only after them would be missing.
TEST(Load, ATransactionIsInTheJournalBeforeItIsSent) {
  const test::TempDir dir;
  const std::string path = journal::file_name(dir / "j", 0);
  std::size_t missing = 0;
  const auto judge = [&](Bytes body) {
    const auto tx = wire::parse_tx(body);
    // One signature, or more, of a transfer that is no v1 stands behind the count.
    const std::string txid(as_text(tx->transaction.subspan(1, journal::kTxidBytes)));
    if (test::read_file(path).find(txid) == std::string::npos) ++missing;
    return Outcome::committed;
  };
  // Answers come to many connections at once, so that many are sent to in one turn.
  const Script script = slow(30ms, 7);
  FakeServer server([script](std::size_t) { return script; }, judge);
  auto options = of(1200, 60);
  options.window = 7;  // before WELCOME, too
  options.threads = 1;
  options.mix = Mix::transfer;
  options.journal = dir / "j";
  const LoadReport report = load(server, options);
  ASSERT_TRUE(report.done);
  EXPECT_EQ(report.at("committed"), 1200U);
  EXPECT_EQ(missing, 0U);
}

TEST(Load, TheJournalHasEachSendOnceAndItsAnswerAfterIt) {
  const test::TempDir dir;
  const auto script = [](std::size_t connection) {
    Script s = slow(10ms, 20);
    if (connection == 1) s.end_after = 50, s.ack_first = 20, s.ending = FakeServer::Ending::reset;
    return s;
  };
  std::uint64_t judged = 0;
  FakeServer server(script, [&judged](Bytes) {
    return ++judged % 7 == 0 ? Outcome::duplicate : Outcome::committed;
  });
  auto options = of(2000, 4);
  options.window = 20;
  options.threads = 2;
  options.journal = dir / "j";
  const LoadReport report = load(server, options);
  ASSERT_TRUE(report.done) << report.done.error().message;
  EXPECT_GE(report.at("reconnects"), 1U);

  std::map<std::pair<std::uint32_t, std::uint64_t>, journal::Sent> sent;
  std::map<Outcome, std::uint64_t> outcomes;
  std::set<journal::Txid> txids;
  std::set<std::uint32_t> connections;
  std::size_t acked = 0;
  for (const std::uint32_t number : {0U, 1U}) {
    const auto records = records_of(journal::file_name(options.journal, number));
    ASSERT_FALSE(records.empty());
    EXPECT_EQ(records.back(), journal::Record(journal::End{}));
    for (const auto& record : records) {
      if (const auto* s = std::get_if<journal::Sent>(&record)) {
        EXPECT_TRUE(sent.emplace(std::pair(s->connection, s->sequence), *s).second);
        EXPECT_EQ(s->stamp_us, s->sent_us);  // none of its own
        txids.insert(s->txid);
        connections.insert(s->connection);
      } else if (const auto* a = std::get_if<journal::Acked>(&record)) {
        const auto at = sent.find({a->connection, a->sequence});
        ASSERT_NE(at, sent.end());
        EXPECT_GE(a->acked_us, at->second.sent_us);
        ++outcomes[a->outcome];
        ++acked;
      }
    }
  }
  EXPECT_EQ(sent.size(), 2000U);
  EXPECT_EQ(acked, 2000U);
  EXPECT_EQ(txids.size(), 2000U);
  // Which of them get to send is the scheduler's choice.
  ASSERT_FALSE(connections.empty());
  EXPECT_LE(*connections.rbegin(), 3U);
  EXPECT_EQ(outcomes[Outcome::duplicate], report.at("duplicate"));
  EXPECT_EQ(outcomes[Outcome::committed], report.at("committed"));
  // The stamps are those that went out.
  std::set<std::int64_t> stamps;
  for (const auto& connection : server.connections()) {
    for (const auto& body : connection.bodies)
      stamps.insert(*wire::parse_tx(body)->time_us);
  }
  for (const auto& [key, s] : sent)
    EXPECT_TRUE(stamps.count(s.stamp_us));
}

TEST(Load, WhatCannotBeRecordedIsNotSent) {
  FakeServer server(Script{});
  auto options = of(100, 1);
  options.journal = "/proc/no such";
  const LoadReport report = load(server, options);
  ASSERT_FALSE(report.done);
  EXPECT_NE(report.done.error().message.find("/proc/no such"), std::string::npos);
  EXPECT_EQ(server.received(), 0U);
}

}  // namespace
}  // namespace txindex::tools
