// What an operator types, against the real server.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>

#include "support/expect.h"
#include "support/postgres.h"
#include "support/sending.h"
#include "support/server.h"

namespace txindex::test {
namespace {

class OperatorTest : public testing::Test {
 protected:
  OperatorTest() {
    std::filesystem::copy_file(TXINDEXD_BINARY, binary);
    Server::Options options;
    options.flags = {"--workers=2", "--roll-settle=200ms"};
    options.binary = binary;
    server = std::make_unique<Server>(postgres.conninfo(), options);
  }
  Ran tool(std::vector<std::string> words) {
    words.emplace(words.begin(), TXINDEX_BINARY);
    words.push_back("--admin=" + server->admin_address());
    return run(std::move(words));
  }

  PostgresCluster postgres;
  TempDir dir;
  std::string binary = dir / "txindexd";
  std::unique_ptr<Server> server;
};

TEST_F(OperatorTest, StatusSaysWhatHasBeenDone) {
  EXPECT_EQ(send(server->address(), generate(dir, 500)).status, 0);
  const auto status = tool({"status"});
  EXPECT_EQ(status.status, 0) << status.output;
  EXPECT_HAS(status.output, "2 of 2 ready");
  EXPECT_HAS(status.output, "500 committed");
  const auto json = tool({"status", "--json"});
  EXPECT_EQ(json.status, 0) << json.output;
  EXPECT_HAS(json.output, "\"outcome_committed\":500");
  const auto top = tool({"top", "--once"});
  EXPECT_EQ(top.status, 0) << top.output;
  EXPECT_HAS(top.output, "workers 2/2");
  ASSERT_EQ(server->stop(), 0);
  const auto gone = tool({"status"});
  EXPECT_EQ(gone.status, 1) << gone.output;
  EXPECT_HAS(gone.output, server->admin_address());
}

TEST(ToolsTest, ACommandThatThereIsNotIsNamed) {
  for (const auto& [word, meant] : {std::pair{"sent", ", did you mean send?"}, {"bogus", ""}}) {
    const Ran ran = run({TXINDEX_BINARY, word, "--flag"});
    EXPECT_EQ(ran.status, 2);
    EXPECT_EQ(ran.output, std::string("txindex: there is no command '") + word + "'" + meant +
                              " (txindex --help lists them)\n");
  }
}

TEST(ToolsTest, NumbersThatDoNotFitAreRefused) {
  const std::string too_large = "99999999999999999999";
  for (const std::vector<std::string>& flags :
       std::vector<std::vector<std::string>>{{"--count", too_large},
                                             {"--count", "-1"},
                                             {"--count", "1", "--seed", "-1"},
                                             {"--count", "1", "--seed", too_large},
                                             {"--count", "1", "--time", too_large},
                                             {"--count", "1", "--time", "253402300800000000"}}) {
    std::vector<std::string> words = {TXINDEX_BINARY, "gen", "--out", "/dev/null"};
    words.insert(words.end(), flags.begin(), flags.end());
    const Ran ran = run(words);
    EXPECT_EQ(ran.status, 2) << ran.output;
    EXPECT_HAS(ran.output,
               flags[flags.size() - 2] + ": '" + flags.back() + "' is not a whole number");
  }
}

TEST_F(OperatorTest, RestartWaitsForItsEndAndSaysHowItWent) {
  const auto before = server->worker_pids();
  const auto done = tool({"restart"});
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_HAS(done.output, "restart 1 is done");
  const auto after = server->worker_pids();
  EXPECT_NE(after, before);

  const auto renewed = tool({"restart", "--reexec"});
  EXPECT_EQ(renewed.status, 0) << renewed.output;
  EXPECT_HAS(renewed.output, "restart 2 is done");
  EXPECT_HAS(tool({"status"}).output, "re-executed 1 times");

  const auto last = server->worker_pids();
  std::filesystem::remove(binary);
  for (const char* how : {"", "--reexec"}) {
    std::vector<std::string> words = {"restart"};
    if (*how != '\0') words.emplace_back(how);
    const auto aborted = tool(words);
    EXPECT_EQ(aborted.status, 1) << aborted.output;
    EXPECT_HAS(aborted.output, "cannot execute " + binary + ": No such file");
  }
  EXPECT_EQ(server->worker_pids(), last);
  EXPECT_HAS(tool({"status"}).output, "number 4 was aborted");
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(OperatorTest, ServiceThatIsDegradedSaysSo) {
  for (int death = 1; death <= 5; ++death) {
    ASSERT_TRUE(eventually([&] { return server->worker_pids().size() == 2; })) << server->log();
    kill(server->worker_pids().at(1), SIGKILL);
    ASSERT_TRUE(server->logs_times("was killed by signal 9", death)) << server->log();
  }
  Ran status;
  EXPECT_TRUE(eventually([&] { return (status = tool({"status"})).status == 3; })) << status.output;
  EXPECT_HAS(status.output, "degraded");
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(OperatorTest, ARotatedLogIsOpenedAnewByEveryProcess) {
  const std::string log = dir / "txindexd.log";
  Server::Options options;
  options.flags = {"--workers=1", "--log-file=" + log, "--log-level=debug"};
  options.wait = false;
  Server logging(postgres.conninfo(), options);
  ASSERT_TRUE(eventually([&] { return read_file(log).find("listening on") != std::string::npos; }));
  std::filesystem::rename(log, log + ".1");
  kill(logging.pid(), SIGUSR1);
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(log); }));
  EXPECT_EQ(logging.stop(), 0);
  // Each says a last word, in the new file.
  for (const char* word : {"ended with status 0", "[worker 0 ", "[admin "}) {
    EXPECT_HAS(read_file(log), word);
  }
  EXPECT_EQ(read_file(log + ".1").find("ended with status 0"), std::string::npos);
}

TEST_F(OperatorTest, ALogThatCannotBeOpenedAnewIsSaidOnceInTheOldOne) {
  const std::string folder = dir / "logs";
  std::filesystem::create_directory(folder);
  Server::Options options;
  options.flags = {"--workers=1", "--log-file=" + folder + "/log", "--log-level=debug"};
  options.wait = false;
  Server logging(postgres.conninfo(), options);
  const auto log = [&, moved = folder + ".1/log"] {
    return read_file(std::filesystem::exists(moved) ? moved : folder + "/log");
  };
  const auto said = [&](const std::string& what) { return log().find(what); };
  ASSERT_TRUE(eventually([&] { return said("listening on") != std::string::npos; }));
  std::filesystem::rename(folder, folder + ".1");
  kill(logging.pid(), SIGUSR1);
  ASSERT_TRUE(eventually([&] { return said("log: No such file") != std::string::npos; }));
  EXPECT_EQ(logging.stop(), 0);
  EXPECT_EQ(said("log.file: "), log().rfind("log.file: ")) << log();
  // Each says a last word.
  for (const char* word : {"ended with status 0", "[worker 0 ", "[admin "})
    EXPECT_GT(log().rfind(word), said("log.file: ")) << log();
}

}  // namespace
}  // namespace txindex::test
