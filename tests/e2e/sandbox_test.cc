// The processes that serve strangers cannot do what only an intruder would, and everything that
// they have to do.
#include "process/sandbox.h"

#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "process/descriptor.h"
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
    // A local socket of another process, with an abstract name.
    const std::string folder = secret_.path();
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    ASSERT_LT(folder.size(), sizeof(name.sun_path));
    std::memcpy(name.sun_path + 1, folder.data(), folder.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + folder.size());
    ASSERT_EQ(bind(abstract_.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
    ASSERT_EQ(listen(abstract_.get(), 16), 0);
  }
  // Of the kernel's Landlock; less than 1: it has none.
  static long landlock_version() {
    return syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
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
  process::Descriptor abstract_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

TEST_F(SandboxTest, AnIntruderCanNeitherReadNorWriteNorStartAnything) {
  Server::Options options;
  options.flags = {"--workers=1", "--log-level=debug"};
  options.environment = {{"TXINDEX_TEST_TRESPASS", secret_.path().string()}};
  Server server(postgres_.conninfo(), options);
  EXPECT_EQ(server.stop(), 0) << server.log();
  const std::string log = server.log();
  // Of a kernel that has no filters nothing is expected; one without Landlock, or with an old one,
  // lets files be read, or lets such sockets be reached, and no more.
  if (log.find("system calls are not confined") != std::string::npos)
    GTEST_SKIP() << "this kernel has no seccomp filters";
  const long landlock = landlock_version();
  // The worker and the admin process, each on two threads.
  int threads = 0;
  for (const auto& [said, times] : outcomes(log)) {
    if (said == "create: Function not implemented") threads += times;
    if (said.starts_with("read: ") && landlock < 1) continue;
    if (said.starts_with("abstract-socket: ") && landlock < 6) continue;
    if (said.starts_with("allowed ")) continue;
    EXPECT_EQ(said.find(": done"), std::string::npos) << said;
  }
  EXPECT_EQ(threads, 4) << log;
  // The worker may ask; the admin process, which has no sockets to make, is not to.
  EXPECT_NE(log.find("trespass allowed unsent-bytes: done"), std::string::npos) << log;
  for (const char* attempt :
       {"create", "append", "fork", "listen", "write-and-execute", "owner-of-signals",
        "choice-of-signal", "signals-by-flag", "signals-by-ioctl", "owner-by-ioctl",
        "steer-connections", "overwrite-log", "second-log", "send-descriptor", "execute-shared",
        "map-twice"}) {
    EXPECT_NE(log.find("trespass " + std::string(attempt) + ": Function not implemented"),
              std::string::npos)
        << attempt << "\n"
        << log;
  }
  if (landlock >= 1) {
    EXPECT_NE(log.find("trespass read: Permission denied"), std::string::npos);
  }
  if (landlock >= 6) {
    EXPECT_NE(log.find("trespass abstract-socket: Operation not permitted"), std::string::npos);
  }
  EXPECT_EQ(read_file(secret_ / "secret"), "sesame");
  EXPECT_EQ(std::distance(fs::directory_iterator(secret_.path()), fs::directory_iterator()), 1);
}

TEST_F(SandboxTest, TheLogFileIsAllThatCanBeWritten) {
  const std::string file = secret_ / "log";  // in the folder that is tried
  Server::Options options;
  options.flags = {"--workers=1", "--admin=off", "--log-level=debug", "--log-file=" + file};
  options.environment = {{"TXINDEX_TEST_TRESPASS", secret_.path().string()}};
  options.wait = false;
  Server server(postgres_.conninfo(), options);
  ASSERT_TRUE(
      eventually([&] { return read_file(file).find("listening on") != std::string::npos; }));
  // Nor by the next one, which has the number of the first.
  fs::rename(file, file + ".1");
  kill(server.pid(), SIGUSR1);
  EXPECT_TRUE(eventually([&] { return fs::exists(file); }));
  EXPECT_EQ(server.stop(), 0);
  EXPECT_NE(read_file(file).find("[worker 0 "), std::string::npos) << read_file(file);
  const std::string log = read_file(file + ".1");
  if (log.find("system calls are not confined") != std::string::npos)
    GTEST_SKIP() << "this kernel has no seccomp filters";
  for (const char* attempt : {"append", "create", "overwrite-log", "second-log"}) {
    EXPECT_NE(log.find("trespass " + std::string(attempt) + ": Function not implemented"),
              std::string::npos)
        << attempt << "\n"
        << log;
  }
  EXPECT_EQ(read_file(secret_ / "secret"), "sesame");
  EXPECT_FALSE(fs::exists(secret_ / "new"));
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
  for (const char* attempt : {"read",
                              "create",
                              "append",
                              "remove",
                              "rename",
                              "mkdir",
                              "fork",
                              "signal",
                              "raise-limit",
                              "memfd",
                              "listen",
                              "write-and-execute",
                              "owner-of-signals",
                              "choice-of-signal",
                              "signals-by-flag",
                              "signals-by-ioctl",
                              "owner-by-ioctl",
                              "steer-connections",
                              "overwrite-log",
                              "second-log",
                              "abstract-socket",
                              "send-descriptor"}) {
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

TEST_F(SandboxTest, ChildrenAreNotToldHowToBecomeTheOwnerNorTheAdminProcessHowToConnect) {
  const std::string owners = secret_ / "zowner";
  write_file(owners, "zesame\n");
  Server::Options options;
  options.flags = {"--workers=1", "--migrate-database",
                   postgres_.conninfo() + " application_name=zowner"};
  options.environment = {{"TXINDEXD_MIGRATE_PASSWORD_FILE", owners}, {"PGPASSWORD", "zingest"}};
  Server server(postgres_.conninfo(), options);
  int children = 0;
  for (const auto& [pid, words] : children_of(server.pid())) {
    ++children;
    const std::string process = "/proc/" + std::to_string(pid) + "/";
    const std::string told = read_file(process + "environ") + read_file(process + "cmdline");
    EXPECT_NE(told.find("--workers=1"), std::string::npos);
    EXPECT_EQ(told.find("zowner"), std::string::npos) << words[1];
    const bool admin = words[1] == "admin";
    EXPECT_EQ(told.find("zingest") == std::string::npos, admin);
    EXPECT_EQ(told.find(postgres_.conninfo()) == std::string::npos, admin);
  }
  EXPECT_EQ(children, 2);
  EXPECT_EQ(server.stop(), 0) << server.log();
}

// What a worker needs again and again after it has confined itself: the name of its server, the
// library that looks it up, certificates, also such as were renewed meanwhile.
TEST_F(SandboxTest, PostgresIsFoundAgainByNameAndWithTls) {
  TlsPostgres postgres;
  TempDir certificates;
  const std::string ca = certificates / "ca.crt";
  fs::copy_file(postgres.authority().file(), ca);
  Server server(postgres.conninfo("sslmode=verify-full sslrootcert=" + ca), {"--workers=1"});
  TempDir dir;
  EXPECT_EQ(send(server.address(), generate(dir, 100))["committed"], 100);
  const pid_t worker = server.worker_pids().front();
  for (int i = 0; i < 2; ++i) {
    postgres.cluster().stop(PostgresCluster::Mode::immediate);
    // Another file of the same name.
    fs::copy_file(postgres.authority().file(), certificates / "new");
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
