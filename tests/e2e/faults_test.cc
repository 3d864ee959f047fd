// Something dies in the middle of a send. What was acknowledged must be there, once.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "support/postgres.h"
#include "support/sending.h"
#include "support/server.h"

namespace txindex::test {
namespace {

constexpr std::int64_t kCount = 60'000;

class FaultsTest : public testing::Test {
 protected:
  std::int64_t number(const std::string& sql) { return std::stoll(postgres_.query(sql)); }
  std::int64_t rows() { return number("SELECT count(*) FROM txindex.transactions"); }

  // The send is under way: some are committed, and most are not.
  void wait_until_some_are_committed() {
    ASSERT_TRUE(eventually([&] {
      return postgres_.query("SELECT to_regclass('txindex.transactions') IS NOT NULL") == "t" &&
             rows() > 2000;
    }));
    ASSERT_LT(rows(), kCount / 2) << "the send is over too soon for this test to mean anything";
  }

  void expect_all_stored_once(const Report& report) {
    EXPECT_EQ(report.status, 0) << report.output;
    EXPECT_EQ(report["total"], kCount);
    EXPECT_EQ(report["committed"] + report["duplicate"], kCount) << report.output;
    EXPECT_EQ(rows(), kCount);
    EXPECT_EQ(number("SELECT count(DISTINCT txid) FROM txindex.transactions"), kCount);
  }

  PostgresCluster postgres_;
  TempDir dir_;
};

// Resident memory of a process, in bytes.
std::size_t resident_bytes(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(in, line)) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stoul(line.substr(6)) * 1024;
  }
  return 0;
}

TEST_F(FaultsTest, PostgresAwayInTheMiddleIsWaitedForWithinTheMemoryBound) {
  constexpr std::size_t kInFlight = 16 << 20;
  Server server(postgres_.conninfo(), {"--workers", "2", "--limits-in-flight-bytes", "16MiB"});
  Sending sending(server.address(), generate(dir_, kCount), 8);
  wait_until_some_are_committed();
  postgres_.stop(PostgresCluster::Mode::immediate);
  // The workers have noticed, and the producers are held back.
  ASSERT_TRUE(server.logs("PostgreSQL")) << server.log();
  std::size_t most = 0;
  EXPECT_FALSE(eventually(
      [&] {
        for (const pid_t worker : server.worker_pids())
          most = std::max(most, resident_bytes(worker));
        return !sending.running();
      },
      std::chrono::seconds(3)));
  EXPECT_GT(most, 0U);
  // Receive chunks, what parsing makes of them, one batch being encoded for each writer, and the
  // program itself.
  EXPECT_LT(most, kInFlight * 3 + (64U << 20));
  postgres_.start();
  const Report report = sending.wait();
  expect_all_stored_once(report);
  EXPECT_EQ(report["committed"], kCount) << "our own commits, found again, are not duplicates";
  EXPECT_EQ(server.stop(), 0) << server.log();
}

TEST_F(FaultsTest, KilledPostgresKeepsWhatWasAcknowledged) {
  Server server(postgres_.conninfo(), {"--workers", "2"});
  Sending sending(server.address(), generate(dir_, kCount), 4);
  wait_until_some_are_committed();
  postgres_.kill9();
  postgres_.start();
  expect_all_stored_once(sending.wait());
}

TEST_F(FaultsTest, KilledWorkerIsReplacedAndNothingIsLostOrDoubled) {
  Server server(postgres_.conninfo(), {"--workers", "2"});
  // Many connections, so that the kernel gives some of them to either worker.
  Sending sending(server.address(), generate(dir_, kCount), 32);
  wait_until_some_are_committed();
  const auto before = server.worker_pids();
  ASSERT_EQ(before.size(), 2U);
  ::kill(before[0], SIGKILL);
  const Report report = sending.wait();
  expect_all_stored_once(report);
  EXPECT_GT(report["reconnects"], 0) << "none of the connections was the killed worker's";
  EXPECT_TRUE(eventually([&] {
    const auto now = server.worker_pids();
    return now.size() == 2 && std::count(now.begin(), now.end(), before[0]) == 0;
  }));
  EXPECT_EQ(server.stop(), 0) << server.log();
}

TEST_F(FaultsTest, AnotherServerTakesOverThePortInTheMiddle) {
  auto first =
      std::make_unique<Server>(postgres_.conninfo(), std::vector<std::string>{"--workers", "2"});
  const std::string address = first->address();
  Sending sending(address, generate(dir_, kCount), 8);
  wait_until_some_are_committed();
  EXPECT_EQ(first->stop(), 0) << first->log();
  const auto at_stop = rows();
  EXPECT_LT(at_stop, kCount);
  Server second(postgres_.conninfo(), {"--workers", "2", "--listen", address});
  const Report report = sending.wait();
  expect_all_stored_once(report);
  EXPECT_GT(report["reconnects"], 0);
  // Drained, not dropped: nothing that was committed had to be sent again.
  EXPECT_EQ(report["duplicate"], 0) << report.output;
}

TEST_F(FaultsTest, WorkersDrainAndLeaveWhenTheirSupervisorIsKilledInTheMiddle) {
  auto first =
      std::make_unique<Server>(postgres_.conninfo(), std::vector<std::string>{"--workers", "2"});
  const std::string address = first->address();
  Sending sending(address, generate(dir_, kCount), 8);
  wait_until_some_are_committed();
  const auto workers = first->worker_pids();
  ASSERT_EQ(workers.size(), 2U);
  ::kill(first->pid(), SIGKILL);
  for (const pid_t worker : workers) {
    EXPECT_TRUE(eventually([&] { return !is_alive(worker); })) << worker;
  }
  Server second(postgres_.conninfo(), {"--workers", "2", "--listen", address});
  const Report report = sending.wait();
  expect_all_stored_once(report);
  // Drained, not dropped: what was committed was acknowledged as well.
  EXPECT_EQ(report["duplicate"], 0) << report.output;
}

}  // namespace
}  // namespace txindex::test
