// The processes that serve strangers cannot do what only an intruder would, and everything that
// they have to do.
#include "process/sandbox.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/sending.h"
#include "support/server.h"
#include "support/tls_postgres.h"

namespace txindex::test {
namespace {

namespace fs = std::filesystem;

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!process::kSandboxAvailable) GTEST_SKIP() << "not in sanitizer builds: process/sandbox.h";
    write_file(secret_ / "secret", "sesame");
  }
  // How often the log says of an attempt what came of it.
  static std::map<std::string, int> outcomes(const std::string& log) {
    static const std::string kSaid = "trespass ";
    std::map<std::string, int> found;
    for (auto at = log.find(kSaid); at != std::string::npos; at = log.find(kSaid, at + 1)) {
      const auto begin = at + kSaid.size();
      ++found[log.substr(begin, log.find('\n', begin) - begin)];
    }
    return found;
  }
  // A field of /proc/PID/status of every thread.
  static std::set<std::string> of_threads(pid_t pid, const std::string& field) {
    std::set<std::string> values;
    for (const auto& thread : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
      std::ifstream status(thread.path() / "status");
      for (std::string line; std::getline(status, line);) {
        if (line.starts_with(field + ":\t")) values.insert(line.substr(field.size() + 2));
      }
    }
    return values;
  }

  PostgresCluster postgres_;
  TempDir secret_;
};

TEST_F(SandboxTest, AnIntruderCanNeitherReadNorWriteNorStartAnything) {
  Server::Options options;
  options.flags = {"--workers=1", "--log-level=debug"};
  options.environment = {{"TXINDEX_TEST_TRESPASS", secret_.path().string()}};
  Server server(postgres_.conninfo(), options);
  EXPECT_EQ(server.stop(), 0) << server.log();
  const std::string log = server.log();
  if (log.find("not confined") != std::string::npos) GTEST_SKIP() << "this kernel cannot do it";
  // The worker and the admin process, each on two threads.
  int threads = 0;
  for (const auto& [said, times] : outcomes(log)) {
    EXPECT_EQ(said.find(": done"), std::string::npos) << said;
    if (said.starts_with("create: ")) threads += times;
  }
  EXPECT_EQ(threads, 4) << log;
  for (const char* said : {"read: Permission denied", "create: Function not implemented",
                           "fork: Function not implemented", "listen: Function not implemented",
                           "write-and-execute: Function not implemented"}) {
    EXPECT_NE(log.find(std::string("trespass ") + said), std::string::npos) << said << "\n" << log;
  }
  EXPECT_EQ(read_file(secret_ / "secret"), "sesame");
  EXPECT_EQ(std::distance(fs::directory_iterator(secret_.path()), fs::directory_iterator()), 1);
}

TEST_F(SandboxTest, TheLogFileIsAllThatCanBeWritten) {
  TempDir logs;
  const std::string file = logs / "log";
  Server::Options options;
  options.flags = {"--workers=1", "--admin=off", "--log-level=debug", "--log-file=" + file};
  options.environment = {{"TXINDEX_TEST_TRESPASS", secret_.path().string()}};
  options.wait = false;
  Server server(postgres_.conninfo(), options);
  ASSERT_TRUE(
      eventually([&] { return read_file(file).find("listening on") != std::string::npos; }));
  EXPECT_EQ(server.stop(), 0);
  EXPECT_NE(read_file(file).find("trespass append: Permission denied"), std::string::npos)
      << read_file(file);
  EXPECT_EQ(read_file(secret_ / "secret"), "sesame");
}

// It is read from a file, and a process may have had nothing to log before it is confined.
TEST_F(SandboxTest, TheLogKeepsItsTimeZone) {
  const fs::path zone = "/usr/share/zoneinfo/Asia/Tokyo";
  if (!fs::exists(zone)) GTEST_SKIP() << "no time zones on this machine";
  fs::copy_file(zone, secret_ / "zone");
  Server::Options options;
  options.flags = {"--workers=1", "--log-level=debug"};
  options.environment = {{"TZ", ":" + (secret_ / "zone").string()}};
  Server server(postgres_.conninfo(), options);
  EXPECT_EQ(server.stop(), 0);
  std::istringstream lines(server.log());
  int of_children = 0;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_NE(line.find("+09:00 "), std::string::npos) << line;
    of_children += line.find("[admin ") != std::string::npos;
  }
  EXPECT_GT(of_children, 0);
}

// That the attempts above would succeed without it.
TEST_F(SandboxTest, SwitchedOffItForbidsNothing) {
  Server::Options options;
  options.flags = {"--workers=1", "--admin=off", "--log-level=debug", "--sandbox=off"};
  options.environment = {{"TXINDEX_TEST_TRESPASS", secret_.path().string()}};
  options.wait = false;
  Server server(postgres_.conninfo(), options);
  for (const char* attempt : {"read", "create", "append", "remove", "rename", "mkdir", "fork",
                              "signal", "raise-limit", "memfd", "listen", "write-and-execute"}) {
    EXPECT_TRUE(server.logs("trespass " + std::string(attempt) + ": done")) << server.log();
  }
}

TEST_F(SandboxTest, AWorkerThatExecutesAProgramIsEndedAndTheLogSaysSo) {
  Server::Options options;
  options.flags = {"--workers=1", "--admin=off"};
  options.environment = {{"TXINDEX_TEST_EXECUTE", "/bin/true"}};
  options.wait = false;
  Server server(postgres_.conninfo(), options);
  EXPECT_TRUE(server.logs("Bad system call")) << server.log();
}

TEST_F(SandboxTest, EveryThreadIsConfinedAndTheSupervisorIsNot) {
  Server server(postgres_.conninfo(), {"--workers=2", "--verify-threads=2"});
  const auto own = of_threads(getpid(), "Seccomp");
  EXPECT_EQ(of_threads(server.pid(), "Seccomp"), own) << "it has to start programs";
  int children = 0;
  for (const auto& [pid, words] : children_of(server.pid())) {
    ++children;
    EXPECT_EQ(of_threads(pid, "Seccomp"), std::set<std::string>{"2"}) << words[1];
    EXPECT_EQ(of_threads(pid, "NoNewPrivs"), std::set<std::string>{"1"}) << words[1];
  }
  EXPECT_EQ(children, 3);
  EXPECT_EQ(server.stop(), 0);
}

// What a worker needs again and again after it has confined itself: the name of its server, the
// library that looks it up, certificates, also such as were renewed meanwhile.
TEST_F(SandboxTest, PostgresIsFoundAgainByNameAndWithTls) {
  TlsPostgres postgres;
  TempDir certificates;
  const std::string ca = certificates / "ca.crt";
  fs::copy_file(postgres.authority().certificate(), ca);
  Server server(postgres.conninfo("sslmode=verify-full sslrootcert=" + ca), {"--workers=1"});
  TempDir dir;
  EXPECT_EQ(send(server.address(), generate(dir, 100))["committed"], 100);
  const pid_t worker = server.worker_pids().front();
  for (int i = 0; i < 2; ++i) {
    postgres.cluster().stop(PostgresCluster::Mode::immediate);
    // Another file of the same name.
    fs::copy_file(postgres.authority().certificate(), certificates / "new");
    fs::rename(certificates / "new", ca);
    TempDir more;
    Sending sending(server.address(), generate(more, 100), 1);
    EXPECT_TRUE(server.logs_times("PostgreSQL failed", i + 1)) << server.log();
    postgres.cluster().start();
    EXPECT_EQ(sending.wait()["committed"], 100) << server.log();
  }
  EXPECT_EQ(server.worker_pids().front(), worker) << server.log();
  EXPECT_EQ(postgres.cluster().query("SELECT count(*) FROM txindex.transactions"), "300");
  EXPECT_EQ(server.stop(), 0);
}

}  // namespace
}  // namespace txindex::test
