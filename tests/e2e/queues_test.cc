// The queues of the listening sockets: whatever becomes of a worker, who has connected is served.
#include <gtest/gtest.h>
#include <signal.h>

#include <list>

#include "support/churn.h"
#include "support/network.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/sending.h"
#include "support/server.h"
#include "support/solana_builder.h"

namespace txindex::test {
namespace {

using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

class QueuesTest : public testing::Test {
 protected:
  QueuesTest() { enter_own_network(); }

  void start(std::vector<std::string> flags, std::map<std::string, std::string> environment = {}) {
    server = std::make_unique<Server>(postgres_cluster.conninfo(),
                                      Server::Options{std::move(flags), std::move(environment)});
  }

  struct Fates {
    int served = 0;
    int reset = 0;
    int other = 0;
  };
  static Fates fates_of(std::list<Visitor>& visitors) {
    Fates fates;
    for (auto& visitor : visitors) {
      const auto fate = visitor.wait();
      ++(fate == Visitor::Fate::welcome ? fates.served
         : fate == Visitor::Fate::reset ? fates.reset
                                        : fates.other);
    }
    return fates;
  }

  // 200 connections over two workers, of which the first does not accept: about a half wait in its
  // queue when it is killed.
  Fates kill_a_worker_with_a_queue() {
    const pid_t victim = server->worker_pids().at(0);
    kill(victim, SIGSTOP);
    std::list<Visitor> visitors;
    for (int i = 0; i < 200; ++i)
      visitors.emplace_back(server->port());
    kill(victim, SIGKILL);
    return fates_of(visitors);
  }

  PostgresCluster postgres_cluster;
  std::unique_ptr<Server> server;
};

TEST_F(QueuesTest, OfAKilledWorkerSurvive) {
  start({"--workers=2"});
  const auto before = tcp_counters();
  const auto fates = kill_a_worker_with_a_queue();
  EXPECT_EQ(fates.served, 200);
  EXPECT_EQ(fates.reset, 0);
  EXPECT_EQ(fates.other, 0);
  for (const char* name : {"ListenOverflows", "ListenDrops", "TCPAbortOnClose"})
    EXPECT_EQ(tcp_counters().at(name), before.at(name)) << name;
  EXPECT_EQ(server->stop(), 0) << server->log();
}

// What the test above would see if the promise were not kept.
TEST_F(QueuesTest, AreLostWithoutTheDeposits) {
  start({"--workers=2"}, {{"TXINDEX_TEST_NO_ESCROW", "1"}});
  const auto fates = kill_a_worker_with_a_queue();
  RecordProperty("reset", fates.reset);
  EXPECT_GT(fates.reset, 40) << "of about 100";
  EXPECT_LT(fates.served, 160);
}

TEST_F(QueuesTest, OfAStoppedWorkerAreServedByASiblingUntilItGoesOn) {
  start({"--workers=4"});
  const pid_t stopped = server->worker_pids().at(2);
  kill(stopped, SIGSTOP);
  const auto since = Clock::now();
  std::list<Visitor> visitors;
  for (int i = 0; i < 100; ++i)
    visitors.emplace_back(server->port());
  const auto fates = fates_of(visitors);
  const auto waited = std::chrono::duration<double>(Clock::now() - since).count();
  RecordProperty("seconds", std::to_string(waited));
  EXPECT_EQ(fates.served, 100);
  EXPECT_GT(waited, 1) << "nobody was in the queue of the stopped worker: the test means nothing";
  EXPECT_LT(waited, 9);
  EXPECT_TRUE(server->logs("an event loop has not turned for 3 s")) << server->log();
  kill(stopped, SIGCONT);
  EXPECT_TRUE(server->logs("an event loop turns again")) << server->log();
  EXPECT_TRUE(server->logs("a queue is its worker's own again queue=\"worker 2\""))
      << server->log();
  EXPECT_EQ(server->worker_pids().at(2), stopped) << "it was not replaced";
  std::list<Visitor> later;
  for (int i = 0; i < 100; ++i)
    later.emplace_back(server->port());
  EXPECT_EQ(fates_of(later).served, 100);
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(QueuesTest, AWorkerThatHangsForGoodIsReplaced) {
  start({"--workers=2"});
  const pid_t stopped = server->worker_pids().at(1);
  kill(stopped, SIGSTOP);
  EXPECT_TRUE(server->logs("aborting the process")) << server->log();
  EXPECT_TRUE(server->logs("it is replaced at once")) << server->log();
  // A stopped process takes no SIGABRT.
  EXPECT_NE(server->log().find("a process does not end; killing it"), std::string::npos);
  EXPECT_TRUE(server->logs("a queue is its worker's own again queue=\"worker 1\""))
      << server->log();
  EXPECT_FALSE(is_alive(stopped));
  EXPECT_TRUE(eventually([&] { return server->worker_pids().size() == 2; })) << server->log();
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(QueuesTest, AWorkerThatSpinsIsAborted) {
  start({"--workers=2"}, {{"TXINDEX_TEST_SPIN", "1"}});
  EXPECT_TRUE(server->logs("an event loop has not turned for 3 s")) << server->log();
  EXPECT_TRUE(server->logs("end=\"was killed by signal 6 (Aborted)\"")) << server->log();
  EXPECT_TRUE(server->logs("a queue is its worker's own again queue=\"worker 1\""))
      << server->log();
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(QueuesTest, AWorkerThatWaitsForPostgresDoesNotHang) {
  start({"--workers=2"});
  const auto workers = server->worker_pids();
  TempDir dir;
  Sending sending(server->address(), generate(dir, 30'000), 8);
  ASSERT_TRUE(eventually([&] {
    return postgres_cluster.query("SELECT count(*) > 0 FROM txindex.transactions") == "t";
  }));
  postgres_cluster.stop(PostgresCluster::Mode::immediate);
  // Longer than a hang would be suffered.
  EXPECT_FALSE(server->logs("has not turned", seconds(13))) << server->log();
  EXPECT_EQ(server->worker_pids(), workers);
  postgres_cluster.start();
  EXPECT_EQ(sending.wait().status, 0);
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(QueuesTest, OfAWorkerThatKeepsDyingAreServedByASibling) {
  start({"--workers=2"});
  // Each death is of the process that the one before has left room for.
  for (int death = 1; death <= 6; ++death) {
    ASSERT_TRUE(eventually([&] { return server->worker_pids().size() == 2; })) << server->log();
    kill(server->worker_pids().at(1), SIGKILL);
    ASSERT_TRUE(server->logs_times("was killed by signal 9", death)) << server->log();
  }
  // Held back for 1.6 s by now.
  std::list<Visitor> visitors;
  for (int i = 0; i < 50; ++i)
    visitors.emplace_back(server->port());
  EXPECT_EQ(fates_of(visitors).served, 50);
  EXPECT_TRUE(server->logs("a worker serves a sibling's queue child=\"worker 0\""))
      << server->log();
  EXPECT_TRUE(server->logs("a queue is its worker's own again queue=\"worker 1\""))
      << server->log();
  EXPECT_EQ(server->stop(), 0) << server->log();
}

// It has no writers, so that what it took could never be committed, nor its end come.
TEST_F(QueuesTest, AWorkerThatIsNotReadyTakesNobodyInWhenItIsToEnd) {
  start({"--workers=1"});
  const pid_t before = server->worker_pids().at(0);
  postgres_cluster.stop();
  kill(before, SIGKILL);
  ASSERT_TRUE(server->logs("PostgreSQL failed; trying until it succeeds")) << server->log();
  RawClient client(server->port());
  client.send(RawClient::Bytes{0x00, 0x54, 0x58, 0x49});
  client.send_frame(0x01, {1, 0, 0});
  client.send_tx(solana_transfer(SolanaTransaction::kLegacy, 1).bytes());
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(QueuesTest, MoreAndFewerWorkersResetNobody) {
  start({"--workers=2"});
  const auto before = tcp_counters();
  Churn churn(server->port(), 8);
  const auto workers_are = [&](std::size_t n) {
    EXPECT_TRUE(eventually([&] { return server->worker_pids().size() == n; })) << server->log();
  };
  for (int round = 0; round < 3; ++round) {
    kill(server->pid(), SIGTTIN);
    workers_are(3);
    kill(server->pid(), SIGTTOU);
    workers_are(2);
    kill(server->pid(), SIGTTOU);
    workers_are(1);
    EXPECT_TRUE(eventually([&, seen = churn.served.load()] { return churn.served > seen + 50; }));
    kill(server->pid(), SIGTTIN);
    workers_are(2);
  }
  kill(server->pid(), SIGTTOU);
  kill(server->pid(), SIGTTOU);  // mostly taken as one signal
  EXPECT_TRUE(server->logs("a worker serves a sibling's queue child=\"worker 0\""));
  churn.stop();
  EXPECT_GT(churn.served, 100) << churn.text();
  EXPECT_EQ(churn.refused + churn.reset_early + churn.reset_late + churn.hung, 0) << churn.text();
  for (const char* name : {"ListenOverflows", "ListenDrops", "TCPAbortOnClose", "TCPAbortOnData"})
    EXPECT_EQ(tcp_counters().at(name), before.at(name)) << name;
  EXPECT_EQ(server->stop(), 0) << server->log();
}

// A worker that has no listening socket yet when it is to leave again makes it all the same, and
// its successor must not make another, of which one would be nobody's.
TEST_F(QueuesTest, AWorkerThatHasToLeaveBeforeItListensLeavesItsSocketToTheNext) {
  start({"--workers=1"});
  kill(server->pid(), SIGTTIN);
  ASSERT_TRUE(eventually([&] { return server->worker_pids().size() == 2; })) << server->log();
  const pid_t first = server->worker_pids()[1];
  kill(first, SIGSTOP);
  kill(server->pid(), SIGTTOU);
  ASSERT_TRUE(server->logs("one worker fewer"));
  kill(server->pid(), SIGTTIN);
  ASSERT_TRUE(server->logs_times("one worker more", 2));
  kill(first, SIGCONT);
  ASSERT_TRUE(eventually([&] {
    const auto pids = server->worker_pids();
    return pids.size() == 2 && pids[1] != first && !is_alive(first);
  })) << server->log();
  EXPECT_EQ(server->log().find("that was not asked for"), std::string::npos) << server->log();
  std::list<Visitor> visitors;
  for (int i = 0; i < 100; ++i)
    visitors.emplace_back(server->port());
  EXPECT_EQ(fates_of(visitors).served, 100);
  EXPECT_EQ(server->stop(), 0) << server->log();
}

}  // namespace
}  // namespace txindex::test
