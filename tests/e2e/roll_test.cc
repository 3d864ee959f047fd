// The rolling restart, and the supervisor's own, under load and with new versions that do not work.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>
#include <thread>

#include "support/churn.h"
#include "support/network.h"
#include "support/postgres.h"
#include "support/sending.h"
#include "support/server.h"

namespace txindex::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

// How often the long ones roll or kill; by hand: TXINDEX_TEST_ROUNDS=50.
int rounds() {
  const char* given = std::getenv("TXINDEX_TEST_ROUNDS");
  return given == nullptr ? 4 : std::atoi(given);
}

// SIGKILL for a process that stands still, so that it is known what it had accepted: the peers'
// ports of its connections to that port. What it had not accepted is not its own to lose.
std::set<std::uint16_t> kill_standing_still(pid_t pid, std::uint16_t port) {
  kill(pid, SIGSTOP);
  const std::string process = "/proc/" + std::to_string(pid);
  const bool still = eventually([&] {
    return std::ranges::all_of(fs::directory_iterator(process + "/task"), [](const auto& thread) {
      const std::string stat = read_file(thread.path() / "stat");
      return stat.substr(stat.rfind(')') + 2, 1) == "T";
    });
  });
  EXPECT_TRUE(still);
  std::set<std::string> sockets;
  for (const auto& fd : fs::directory_iterator(process + "/fd"))
    sockets.insert(fs::read_symlink(fd.path()));
  std::set<std::uint16_t> accepted;
  for (const auto& [peer, inode] : connections_to(port)) {
    if (sockets.contains("socket:[" + std::to_string(inode) + "]")) accepted.insert(peer);
  }
  kill(pid, SIGKILL);
  return accepted;
}

class RollTest : public testing::Test {
 protected:
  RollTest() {
    enter_own_network();
    postgres = std::make_unique<PostgresCluster>();
    fs::copy_file(TXINDEXD_BINARY, binary);
  }

  // With the program and the configuration file of the test's own, which it may replace.
  void start(const std::string& configuration = "", std::vector<std::string> flags = {},
             int workers = 2) {
    configure(configuration);
    flags.push_back("--config=" + config);
    flags.push_back("--workers=" + std::to_string(workers));
    Server::Options options;
    options.flags = std::move(flags);
    options.binary = binary;
    options.admin_by_flag = false;
    server = std::make_unique<Server>(postgres->conninfo(), options);
  }
  void configure(const std::string& text) {
    const bool has_admin = text.find("admin = ") != std::string::npos;
    write_file(config, "roll.settle = 200ms\nroll.ready_timeout = 20s\n" + text +
                           (has_admin ? "" : "admin = 127.0.0.1:0\n"));
  }
  // As a package manager does: a new file under the old name.
  void install(const std::string& from) {
    fs::copy_file(from, binary + ".new");
    fs::rename(binary + ".new", binary);
  }
  void install_script(const std::string& text, mode_t mode = 0755) {
    write_file(binary + ".new", text);
    chmod((binary + ".new").c_str(), mode);
    fs::rename(binary + ".new", binary);
  }

  void roll(int signal = SIGUSR2) { kill(server->pid(), signal); }
  void expect_aborted(const std::string& reason, int signal = SIGUSR2) {
    const auto before = server->worker_pids();
    const auto children = children_of(server->pid()).size();
    roll(signal);
    EXPECT_TRUE(server->logs("a rolling restart is aborted; ", seconds(30))) << server->log();
    EXPECT_TRUE(server->logs(reason, seconds(1))) << server->log();
    // At full strength: the same processes, and nobody else once the replacement has gone.
    EXPECT_TRUE(eventually([&] { return children_of(server->pid()).size() == children; }));
    EXPECT_EQ(server->worker_pids(), before);
    EXPECT_EQ(Visitor(server->port()).wait(), Visitor::Fate::welcome);
    EXPECT_EQ(server->stop(), 0) << server->log();
  }

  std::int64_t number(const std::string& sql) { return std::stoll(postgres->query(sql)); }

  TempDir dir;
  std::string binary = dir / "txindexd";
  std::string config = dir / "txindexd.conf";
  std::unique_ptr<PostgresCluster> postgres;
  std::unique_ptr<Server> server;
};

TEST_F(RollTest, ManyInARowUnderLoadAndChurnCostNobodyAnything) {
  constexpr int kEachRound = 15'000;
  start();
  const auto count = kEachRound * rounds();
  const std::string file = generate(dir, static_cast<std::size_t>(count));
  const auto before = tcp_counters();
  Churn churn(server->port(), 4);
  Sending sending(server->address(), file, 4);
  for (int i = 1; i <= rounds(); ++i) {
    const auto old = server->worker_pids();
    roll();
    ASSERT_TRUE(server->logs("a rolling restart is done roll=" + std::to_string(i) + " "))
        << server->log();
    for (const pid_t pid : old)
      EXPECT_FALSE(is_alive(pid));
  }
  const auto report = sending.wait();
  churn.stop();
  EXPECT_EQ(report.status, 0) << report.output;
  EXPECT_EQ(report["committed"], count) << report.output;
  EXPECT_EQ(report["duplicate"], 0) << "committed, but not acknowledged: " << report.output;
  EXPECT_EQ(number("SELECT count(*) FROM txindex.transactions"), count);
  EXPECT_EQ(number("SELECT count(DISTINCT txid) FROM txindex.transactions"), count);
  EXPECT_GT(churn.served, 100 * rounds()) << churn.text();
  EXPECT_EQ(churn.refused + churn.reset_early + churn.reset_late + churn.hung, 0) << churn.text();
  EXPECT_EQ(churn.closed_early, 0) << churn.text();
  RecordProperty("churn", churn.text());
  for (const char* name : {"ListenOverflows", "ListenDrops", "TCPAbortOnClose", "TCPAbortOnData"})
    EXPECT_EQ(tcp_counters().at(name), before.at(name)) << name;
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(RollTest, WorkersKilledOneAfterTheOtherCostNobodyAConnection) {
  constexpr int kEachRound = 10'000;
  start("", {}, 4);
  const auto before = tcp_counters();
  const auto count = kEachRound * rounds();
  const std::string file = generate(dir, static_cast<std::size_t>(count));
  Churn churn(server->port(), 4);
  Sending sending(server->address(), file, 4);
  std::mt19937 random(20260101);
  const auto begin = std::chrono::steady_clock::now();
  int killed = 0;
  std::multiset<std::uint16_t> accepted_by_killed;
  for (int i = 1; i <= rounds(); ++i) {
    // By the clock, whatever state they are in: some will be starting, and some are held back.
    std::this_thread::sleep_until(begin + seconds(i));
    const auto workers = server->worker_pids();
    if (workers.empty()) continue;
    const pid_t victim = workers.at(random() % workers.size());
    for (const auto peer : kill_standing_still(victim, server->port()))
      accepted_by_killed.insert(peer);
    ++killed;
  }
  ASSERT_TRUE(server->logs_times("was killed by signal 9", killed)) << server->log();
  const auto report = sending.wait();
  churn.stop();
  EXPECT_EQ(report.status, 0) << report.output;
  EXPECT_EQ(report["committed"] + report["duplicate"], count) << report.output;
  EXPECT_EQ(number("SELECT count(*) FROM txindex.transactions"), count);
  EXPECT_EQ(number("SELECT count(DISTINCT txid) FROM txindex.transactions"), count);
  EXPECT_EQ(churn.refused + churn.hung, 0) << churn.text();
  // A connection that is still being established is never lost: what broke before WELCOME had been
  // accepted by the worker that died.
  int queued = 0;
  for (const auto port : churn.broken_early()) {
    const auto found = accepted_by_killed.find(port);
    if (found == accepted_by_killed.end())
      ++queued;
    else
      accepted_by_killed.erase(found);
  }
  EXPECT_EQ(queued, 0) << churn.text();
  EXPECT_LE(churn.reset_early + churn.reset_late + churn.closed_early, 4 * killed) << churn.text();
  for (const char* name : {"ListenOverflows", "ListenDrops"})
    EXPECT_EQ(tcp_counters().at(name), before.at(name)) << name;
  RecordProperty("churn", churn.text());
  RecordProperty("broken while queued", queued);
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(RollTest, ANewProgramAndANewConfigurationAreWhatRunsAfterwards) {
  start();
  install(TXINDEXD_NEXT_BINARY);
  configure("log.level = debug\ndrain_timeout = 7s\n");
  roll();
  ASSERT_TRUE(server->logs("a rolling restart is done roll=1 ")) << server->log();
  const auto workers = server->worker_pids();
  for (const pid_t pid : workers)
    EXPECT_EQ(fs::read_symlink("/proc/" + std::to_string(pid) + "/exe"), binary);
  EXPECT_TRUE(server->logs("debug [worker 0 " + std::to_string(workers.at(0)))) << server->log();
  const std::string waits = "goes on with settings that have changed: SIGHUP renews it settings=";
  EXPECT_TRUE(server->logs(waits + "\"drain_timeout, log.level\"\n")) << server->log();
  roll(SIGHUP);
  ASSERT_TRUE(server->logs("a rolling restart is done roll=2 ")) << server->log();
  EXPECT_EQ(server->log().find(waits), server->log().rfind(waits));
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(RollTest, AnotherOneThatIsAskedForMeanwhileFollows) {
  start("", {"--roll-settle=1s"});
  roll();
  ASSERT_TRUE(server->logs("a rolling restart begins roll=1")) << server->log();
  roll();
  EXPECT_TRUE(server->logs("a rolling restart will follow, one is under way reason=SIGUSR2 roll=2"))
      << server->log();
  EXPECT_TRUE(server->logs("a rolling restart is done roll=2 ")) << server->log();
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(RollTest, AProgramThatIsMissingAbortsIt) {
  start();
  fs::remove(binary);
  expect_aborted("cannot execute " + binary + ": No such file");
}

TEST_F(RollTest, AProgramThatMayNotBeExecutedAbortsIt) {
  start();
  install_script("#!/bin/sh\n", 0644);
  expect_aborted("cannot execute " + binary + ": Permission denied");
}

TEST_F(RollTest, AProgramThatExitsAtOnceAbortsIt) {
  start();
  install_script("#!/bin/sh\nexit 7\n");
  expect_aborted("worker 0: exited with status 7 before it took over");
}

TEST_F(RollTest, AProgramThatHangsAbortsIt) {
  start("", {"--roll-ready-timeout=1s", "--drain-timeout=1s"});
  install_script("#!/bin/sh\nexec sleep 1000\n");
  expect_aborted("worker 0: not ready within 1 s");
}

TEST_F(RollTest, AProgramThatDiesSoonAfterItIsReadyAbortsIt) {
  start("", {"--roll-settle=20s"});
  roll();
  // Beside two workers and the admin process there is the replacement; it is ready, and all serve.
  ASSERT_TRUE(server->logs("a process is ready")) << server->log();
  ASSERT_EQ(children_of(server->pid()).size(), 4U);
  const auto children = children_of(server->pid());
  pid_t replacement = 0;
  for (const auto& [pid, words] : children) {
    if (std::find(words.begin(), words.end(), "--generation=2") != words.end()) replacement = pid;
  }
  ASSERT_GT(replacement, 0);
  kill(replacement, SIGKILL);
  EXPECT_TRUE(server->logs("roll=1 reason=\"worker 0: was killed by signal 9")) << server->log();
  EXPECT_EQ(server->worker_pids().size(), 2U);
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(RollTest, AConfigurationThatIsWrongAbortsIt) {
  start();
  configure("writers = many\n");
  expect_aborted("worker 0: " + config + ":3: writers: 'many' is not");
}

TEST_F(RollTest, ADatabaseThatDoesNotServeAbortsIt) {
  start();
  postgres->stop(PostgresCluster::Mode::fast);
  roll();
  EXPECT_TRUE(server->logs("roll=1 reason=\"worker 0: ")) << server->log();
  EXPECT_EQ(server->worker_pids().size(), 2U);
  postgres->start();
  EXPECT_EQ(server->stop(), 0) << server->log();
}

// --- SIGHUP: the supervisor itself -------------------------------------------------------------

TEST_F(RollTest, TheSupervisorIsRenewedInPlaceUnderLoad) {
  constexpr int kCount = 40'000;
  start();
  const std::string file = generate(dir, kCount);
  const auto before = tcp_counters();
  Churn churn(server->port(), 4);
  Sending sending(server->address(), file, 4);
  const auto old = server->worker_pids();
  install(TXINDEXD_NEXT_BINARY);
  roll(SIGHUP);
  ASSERT_TRUE(server->logs("this is the supervisor from now on")) << server->log();
  ASSERT_TRUE(server->logs("a rolling restart is done roll=1 ")) << server->log();
  EXPECT_TRUE(server->process().running()) << "the same process id";
  for (const pid_t pid : old)
    EXPECT_FALSE(is_alive(pid));
  // And again, from the one that has taken over.
  roll(SIGHUP);
  ASSERT_TRUE(server->logs("a rolling restart is done roll=2 ")) << server->log();
  const auto report = sending.wait();
  churn.stop();
  EXPECT_EQ(report.status, 0) << report.output;
  EXPECT_EQ(report["committed"], kCount) << report.output;
  EXPECT_EQ(number("SELECT count(*) FROM txindex.transactions"), kCount);
  EXPECT_EQ(churn.refused + churn.reset_early + churn.reset_late + churn.hung, 0) << churn.text();
  EXPECT_EQ(churn.closed_early, 0) << churn.text();
  for (const char* name : {"ListenOverflows", "ListenDrops", "TCPAbortOnClose", "TCPAbortOnData"})
    EXPECT_EQ(tcp_counters().at(name), before.at(name)) << name;
  // What was counted is counted still: the sender's, and none but the churn's connections.
  EXPECT_EQ(server->stop(), 0) << server->log();
  EXPECT_TRUE(server->logs("committed " + std::to_string(kCount))) << server->log();
}

TEST_F(RollTest, TheAdminProcessCanBeSwitchedOffAndOnByIt) {
  start();
  const auto has_admin = [&] {
    const auto children = children_of(server->pid());
    return std::any_of(children.begin(), children.end(),
                       [](const auto& child) { return child.second.at(1) == "admin"; });
  };
  EXPECT_TRUE(has_admin());
  // A flag would beat the file.
  for (const bool on : {false, true}) {
    unsigned rolls = on ? 2 : 1;
    configure(on ? "admin = 127.0.0.1:0\n" : "admin = off\n");
    roll(SIGHUP);
    ASSERT_TRUE(server->logs("a rolling restart is done roll=" + std::to_string(rolls) + " "))
        << server->log();
    EXPECT_TRUE(eventually([&] { return has_admin() == on; })) << server->log();
  }
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(RollTest, AProgramBehindASymbolicLinkIsWhatTheLinkSaysThen) {
  fs::create_directory(dir / "next");
  fs::rename(binary, dir / "first");
  fs::copy_file(TXINDEXD_NEXT_BINARY, dir / "next/txindexd");
  fs::create_symlink(dir / "first", binary);
  start();
  fs::create_symlink(dir / "next/txindexd", binary + ".new");
  fs::rename(binary + ".new", binary);
  roll(SIGHUP);
  ASSERT_TRUE(server->logs("a rolling restart is done roll=1 ")) << server->log();
  for (const pid_t pid : {server->pid(), server->worker_pids().at(0)}) {
    EXPECT_EQ(fs::read_symlink("/proc/" + std::to_string(pid) + "/exe"), dir / "next/txindexd");
  }
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(RollTest, ASupervisorThatCannotStartLeavesTheOldOneRunning) {
  start();
  install_script("#!/bin/sh\nexit 9\n");
  expect_aborted("re-executing " + binary + ": exited with status 9", SIGHUP);
}

TEST_F(RollTest, ALogFileThatTheNewSupervisorCannotOpenLeavesTheOldOneRunning) {
  start();
  const std::string file = dir / "none/log";
  configure("log.file = " + file + "\n");
  expect_aborted("re-executing " + binary + ": log.file: " + file + ": No such file", SIGHUP);
}

TEST_F(RollTest, ASupervisorThatIsMissingLeavesTheOldOneRunning) {
  start();
  fs::remove(binary);
  expect_aborted("cannot execute " + binary + ": No such file", SIGHUP);
}

TEST_F(RollTest, AConfigurationThatTheNewSupervisorRefusesLeavesTheOldOneRunning) {
  start();
  configure("workers = -3\n");
  expect_aborted(config + ":3: workers: '-3' is not", SIGHUP);
}

TEST_F(RollTest, TheNewSupervisorReplacesWorkersThatDieAndEndsThemAll) {
  start();
  roll(SIGHUP);
  ASSERT_TRUE(server->logs("a rolling restart is done roll=1 ")) << server->log();
  kill(server->worker_pids().at(0), SIGKILL);
  EXPECT_TRUE(server->logs("it is replaced at once")) << server->log();
  EXPECT_TRUE(eventually([&] { return server->worker_pids().size() == 2; }));
  const auto workers = server->worker_pids();
  EXPECT_EQ(server->stop(), 0) << server->log();
  for (const pid_t pid : workers)
    EXPECT_FALSE(is_alive(pid));
}

}  // namespace
}  // namespace txindex::test
