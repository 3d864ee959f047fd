// The supervisor as an operator meets it: errors at the start, workers that die, the end.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "support/expect.h"
#include "support/postgres.h"
#include "support/process.h"
#include "support/server.h"
#include "support/temp_dir.h"

namespace txindex::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kNoDatabase =
    "host=127.0.0.1 port=1 dbname=chain user=indexer password=hunter2 connect_timeout=2";

Ran txindexd(std::vector<std::string> flags) {
  flags.insert(flags.begin(), TXINDEXD_BINARY);
  return run(std::move(flags), {}, seconds(60));
}

// Sent to the process and not taken yet.
bool is_pending(int signal, pid_t pid) {
  const std::string status = read_file("/proc/" + std::to_string(pid) + "/status");
  const auto at = status.find("ShdPnd:");
  return (std::stoull(status.substr(at + 7), nullptr, 16) >> (signal - 1) & 1) != 0;
}

void expect_one_line(const Ran& ran, int status, const std::vector<std::string>& parts) {
  EXPECT_EQ(ran.status, status) << ran.output;
  EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1) << ran.output;
  for (const auto& part : parts)
    EXPECT_HAS(ran.output, part);
}

// --- Without a database ------------------------------------------------------------------------

TEST(CommandLineTest, AWrongConfigurationIsOneLineThatNamesTheKey) {
  TempDir dir;
  const std::string path = dir / "txindexd.conf";
  const auto with_file = [&](const std::string& text) {
    write_file(path, text);
    return txindexd({"--config", path});
  };
  expect_one_line(txindexd({"--workers", "many"}), 2, {"--workers", "'many'", "0 to 256"});
  expect_one_line(txindexd({"--wrokers", "2"}), 2, {"--wrokers"});
  expect_one_line(txindexd({"--config", dir / "none"}), 2, {dir / "none", "No such file"});
  expect_one_line(with_file("\nindex.level = all\n"), 2,
                  {path + ":2: index.level: 'all'", "transactions, accounts, instructions"});
  expect_one_line(with_file("[batch]\nmax_row = 1\n"), 2,
                  {path + ":2: batch.max_row: ", "did you mean batch.max_rows?"});
  expect_one_line(with_file("workers = 1\nworkers = 2\n"), 2, {path + ":2: workers: given twice"});
  expect_one_line(with_file("partition.interval = 15min\n"), 2, {":1: partition.interval: "});
  expect_one_line(txindexd({"migrate", "--log-level", "loud"}), 2, {"--log-level", "trace, debug"});
  // The owner's password is in a file, and not in one that workers may read.
  const std::vector<std::string> in_a_file = {"migrate.database has a password",
                                              "migrate.password_file"};
  expect_one_line(with_file("migrate.database = user=owner password=zecret\n"), 2, in_a_file);
  const Ran owner = txindexd({"--migrate-database=postgresql://owner:zecret@/chain"});
  expect_one_line(owner, 2, in_a_file);
  EXPECT_EQ(owner.output.find("zecret"), std::string::npos) << owner.output;
  std::filesystem::create_symlink("/etc/hostname", dir / "link");
  for (const auto& readable : std::vector<std::string>{"/etc/owner-password", dir / "link"}) {
    expect_one_line(
        txindexd({"--migrate-database=user=owner", "--migrate-password-file=" + readable}), 2,
        {"migrate.password_file: " + readable, "workers may read"});
  }
  Process::Options options;
  options.environment = {{"TXINDEXD_MIGRATE_DATABASE", "user=owner password=zecret"}};
  expect_one_line(run({TXINDEXD_BINARY}, options), 2, in_a_file);
  options.environment = {{"TXINDEXD_DRAIN_TIMEOUT", "soon"}};
  expect_one_line(run({TXINDEXD_BINARY}, options), 2, {"TXINDEXD_DRAIN_TIMEOUT", "drain_timeout"});
}

TEST(CommandLineTest, WhatIsPrintedCanBeReadAgain) {
  TempDir dir;
  const std::string path = dir / "txindexd.conf";
  const auto first = txindexd({"--print-config", "--workers", "3", "--drain-timeout", "90",
                               "--database", "host=/run dbname='a # b'"});
  ASSERT_EQ(first.status, 0);
  EXPECT_HAS(first.output, "\nworkers = 3\n");
  EXPECT_HAS(first.output, "\ndrain_timeout = 90s\n");
  write_file(path, first.output);
  const auto second = txindexd({"--print-config", "--config", path});
  EXPECT_EQ(second.status, 0);
  EXPECT_EQ(second.output, first.output);
  const auto checked = txindexd({"--check-config", "--config", path});
  EXPECT_EQ(checked.status, 0);
  EXPECT_EQ(checked.output, "configuration ok\n");
  const std::string log = dir / "none/log";
  const auto refused = txindexd({"--check-config", "--config", path, "--log-file", log});
  EXPECT_EQ(refused.status, 2);
  EXPECT_EQ(refused.output, "txindexd: log.file: " + log + ": No such file or directory\n");
}

TEST(CommandLineTest, VersionAndHelp) {
  const auto version = txindexd({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_TRUE(version.output.starts_with("txindexd ")) << version.output;
  const auto help = txindexd({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_HAS(help.output, "--index-level");
}

TEST(StartTest, ADatabaseThatIsAwayIsOneLineWithItsAddressAndNoPassword) {
  const std::vector<std::string> flags = {"--listen=127.0.0.1:0", "--workers=2", "--database",
                                          kNoDatabase};
  auto with_migrate = flags;
  with_migrate.insert(with_migrate.begin(), "migrate");
  auto no_migrate = flags;
  no_migrate.insert(no_migrate.end(), {"--migrate", "false"});
  for (const auto& each : {flags, with_migrate, no_migrate}) {
    const auto ran = txindexd(each);
    expect_one_line(ran, 1, {"127.0.0.1:1"});
    EXPECT_HAS_NOT(ran.output, "hunter2");
  }
}

class Listener {
 public:
  explicit Listener(bool reuse_port) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = reuse_port ? 1 : 0;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~Listener() { close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const std::string& address() const { return address_; }

 private:
  int fd_;
  std::string address_;
};

TEST(StartTest, APortInUseIsOneLineThatNamesIt) {
  for (const bool reuse_port : {false, true}) {
    SCOPED_TRACE(reuse_port);
    const Listener stranger(reuse_port);
    expect_one_line(txindexd({"--listen", stranger.address(), "--database", kNoDatabase}), 1,
                    {"listen: " + stranger.address() + " is in use"});
  }
}

TEST(StartTest, AnAddressThatIsNotOursIsOneLineThatNamesIt) {
  expect_one_line(
      txindexd({"--listen=192.0.2.1:9400", "--insecure=true", "--database", kNoDatabase}), 1,
      {"listen: 192.0.2.1:9400"});
}

// --- With a database ---------------------------------------------------------------------------

class SupervisorTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { postgres = new PostgresCluster; }
  static void TearDownTestSuite() {
    delete postgres;
    postgres = nullptr;
  }

  static std::string conninfo() { return postgres->conninfo(); }

  // Waits until slot `slot` of `count` has another process than `old`, which it returns.
  static pid_t replacement(const Server& server, std::size_t count, std::size_t slot, pid_t old) {
    pid_t pid = 0;
    EXPECT_TRUE(eventually([&] {
      const auto pids = server.worker_pids();
      if (pids.size() != count || pids[slot] == old) return false;
      pid = pids[slot];
      return true;
    })) << server.log();
    return pid;
  }

  static bool ready(const Server& server, int slot, pid_t pid) {
    return server.logs("a process is ready child=\"worker " + std::to_string(slot) +
                       "\" child_pid=" + std::to_string(pid) + "\n");
  }

  static PostgresCluster* postgres;
};
PostgresCluster* SupervisorTest::postgres = nullptr;

TEST_F(SupervisorTest, SigtermAndSigintEndItWithStatusZeroAndNothingIsLeft) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Server server(conninfo(), {"--workers=2"});
    const auto workers = server.worker_pids();
    EXPECT_EQ(workers.size(), 2u);
    EXPECT_GT(server.port(), 0);
    server.process().signal(signal);
    EXPECT_EQ(server.process().wait(), 0) << server.log();
    for (const pid_t worker : workers)
      EXPECT_FALSE(is_alive(worker));
    EXPECT_HAS(server.log(), "ended with status 0: received 0, committed 0");
  }
}

TEST_F(SupervisorTest, ItAcceptsConnectionsWhenItSaysThatItListens) {
  Server server(conninfo(), {"--workers=2"});
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(server.port());
  EXPECT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  close(client);
  EXPECT_EQ(server.stop(), 0) << server.log();
}

TEST_F(SupervisorTest, ASecondInstanceOnThePortIsRefused) {
  Server first(conninfo(), {"--workers=2"});
  expect_one_line(txindexd({"--listen", first.address(), "--database", conninfo()}), 1,
                  {"listen: " + first.address() + " is in use"});
  EXPECT_EQ(first.stop(), 0);
}

TEST_F(SupervisorTest, AWorkerThatIsKilledIsReplacedAndItsSiblingStays) {
  Server server(conninfo(), {"--workers=2"});
  const auto before = server.worker_pids();
  kill(before[1], SIGKILL);
  const pid_t after = replacement(server, 2, 1, before[1]);
  EXPECT_TRUE(ready(server, 1, after)) << server.log();
  EXPECT_EQ(server.worker_pids()[0], before[0]);
  EXPECT_HAS(server.log(), "a process ended; it is replaced at once child=\"worker 1\" child_pid=" +
                               std::to_string(before[1]) +
                               " end=\"was killed by signal 9 (Killed)\"");
  EXPECT_EQ(server.stop(), 0) << server.log();
  EXPECT_HAS(server.log(), "; 1 restarts");
}

TEST_F(SupervisorTest, AWorkerThatKeepsDyingIsHeldBackLongerEachTime) {
  Server server(conninfo(), {"--workers=1"});
  pid_t worker = server.worker_pids().at(0);
  for (const char* consequence : {"replaced at once", "wait=100ms", "wait=200ms", "wait=400ms"}) {
    kill(worker, SIGKILL);
    EXPECT_TRUE(server.logs(consequence)) << server.log();
    worker = replacement(server, 1, 0, worker);
    ASSERT_TRUE(ready(server, 0, worker)) << server.log();
  }
  EXPECT_EQ(server.stop(), 0) << server.log();
}

TEST_F(SupervisorTest, AReplacementThatCannotStartIsHeldBackWhileItsSiblingServes) {
  TempDir dir;
  const std::string path = dir / "txindexd.conf";
  write_file(path, "workers = 2\n");
  Server server(conninfo(), {"--config", path});
  const auto before = server.worker_pids();
  write_file(path, "workers = two\n");
  kill(before[0], SIGKILL);
  EXPECT_TRUE(server.logs("end=\"exited with status 2\" wait=800ms")) << server.log();
  EXPECT_HAS(server.log(), path + ":1: workers: 'two'");
  EXPECT_TRUE(is_alive(before[1]));
  write_file(path, "workers = 2\n");
  const pid_t after = replacement(server, 2, 0, before[0]);
  EXPECT_TRUE(ready(server, 0, after)) << server.log();
  EXPECT_EQ(server.stop(), 0) << server.log();
}

TEST_F(SupervisorTest, AWorkerThatDoesNotFinishInTimeIsKilledAndTheStatusSaysSo) {
  Server server(conninfo(), {"--workers=2", "--drain-timeout", "0.5"});
  const auto workers = server.worker_pids();
  kill(workers[0], SIGSTOP);
  EXPECT_EQ(server.stop(seconds(20)), 1) << server.log();
  EXPECT_HAS(server.log(), "not drained in time: ending the rest drain_timeout=500ms");
  for (const pid_t worker : workers)
    EXPECT_FALSE(is_alive(worker));
}

TEST_F(SupervisorTest, ASecondSignalEndsItAtOnce) {
  Server server(conninfo(), {"--workers=2", "--drain-timeout", "1h"});
  const auto workers = server.worker_pids();
  kill(workers[0], SIGSTOP);
  EXPECT_EQ(server.stop(milliseconds(500)), -1) << "it must wait for its worker";
  EXPECT_EQ(server.stop(seconds(10)), 1) << server.log();
  for (const pid_t worker : workers)
    EXPECT_FALSE(is_alive(worker));
}

TEST_F(SupervisorTest, AWorkerThatDiesWhileDrainingIsNotReplacedAndTheStatusSaysSo) {
  Server server(conninfo(), {"--workers=1", "--drain-timeout", "1h"});
  const pid_t worker = server.worker_pids().at(0);
  kill(worker, SIGSTOP);
  server.process().signal(SIGTERM);
  ASSERT_TRUE(server.logs("draining")) << server.log();
  kill(worker, SIGKILL);
  EXPECT_EQ(server.process().wait(), 1) << server.log();
  EXPECT_HAS_NOT(server.log(), "replace");
}

// What it was told is as it is when nobody has died: all others have committed and said everything.
TEST_F(SupervisorTest, AWorkerThatWasDeadBeforeItWasToldToEndDoesNotCount) {
  Server server(conninfo(), {"--workers=2"});
  const pid_t worker = server.worker_pids().at(0);
  server.process().signal(SIGSTOP);  // it finds out of both at once
  kill(worker, SIGKILL);
  ASSERT_TRUE(eventually([&] { return is_pending(SIGCHLD, server.process().pid()); }));
  server.process().signal(SIGTERM);
  server.process().signal(SIGCONT);
  EXPECT_EQ(server.process().wait(), 0) << server.log();
}

TEST_F(SupervisorTest, WhenTheSupervisorDiesItsWorkersEndToo) {
  Server server(conninfo(), {"--workers=2"});
  const auto workers = server.worker_pids();
  server.process().signal(SIGKILL);
  server.process().wait();
  for (const pid_t worker : workers) {
    EXPECT_TRUE(eventually([&] { return !is_alive(worker); })) << worker;
  }
}

TEST_F(SupervisorTest, SignalsOfATerminalToAllProcessesDoNotKillWorkers) {
  Server server(conninfo(), {"--workers=2"});
  for (const pid_t worker : server.worker_pids()) {
    kill(worker, SIGINT);
    kill(worker, SIGHUP);
  }
  server.process().signal(SIGINT);
  EXPECT_EQ(server.process().wait(), 0) << server.log();
  EXPECT_HAS_NOT(server.log(), "killed by");
}

TEST_F(SupervisorTest, AnUnknownVariableInTheEnvironmentIsAWarning) {
  Server::Options options;
  options.environment = {{"TXINDEXD_SERVICE_HOST", "10.0.0.1"}};
  Server server(conninfo(), options);
  EXPECT_HAS(server.log(), "TXINDEXD_SERVICE_HOST");
  EXPECT_EQ(server.stop(), 0);
}

TEST_F(SupervisorTest, ADatabaseWithAnotherPartitionIntervalIsAnErrorOfTheConfiguration) {
  ASSERT_EQ(Server(conninfo()).stop(), 0);
  for (const char* migrate : {"true", "false"}) {
    expect_one_line(txindexd({"--listen=127.0.0.1:0", "--database", conninfo(), "--migrate",
                              migrate, "--partition-interval", "6h"}),
                    2, {"partition interval"});
  }
}

TEST_F(SupervisorTest, TheLogCanGoToAFile) {
  TempDir dir;
  const std::string path = dir / "log";
  Server::Options options;
  options.flags = {"--log-file", path, "--workers=2"};
  options.wait = false;
  Server server(conninfo(), options);
  EXPECT_TRUE(
      eventually([&] { return read_file(path).find("listening on") != std::string::npos; }));
  EXPECT_EQ(server.stop(), 0);
  EXPECT_EQ(server.log(), "");
  EXPECT_HAS(read_file(path), "ended with status 0");
}

}  // namespace
}  // namespace txindex::test
