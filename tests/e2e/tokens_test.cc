// Producers' tokens on the real binaries: asked for, counted, revoked, and slowed at their limits.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>

#include "chain/base64.h"
#include "support/expect.h"
#include "support/http_exchange.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/sending.h"
#include "support/server.h"

namespace txindex::test {
namespace {

class TokensTest : public testing::Test {
 protected:
  // A token made by the tool: its file, and in `lines_` the line for the server.
  std::string make(const std::string& name, const std::vector<std::string>& limits = {}) {
    const std::string file = dir_ / (name + ".token");
    std::vector<std::string> words = {TXINDEX_BINARY, "token", name};
    words.insert(words.end(), limits.begin(), limits.end());
    words.insert(words.end(), {"--out", file});
    const Ran ran = run(words);
    EXPECT_EQ(ran.status, 0) << ran.output;
    lines_[name] = ran.output;
    return file;
  }
  void write_tokens() {
    std::string text = "# producers\n";
    for (const auto& [name, line] : lines_)
      text += line;
    write_file(tokens_, text);
  }
  std::unique_ptr<Server> start() {
    write_tokens();
    return std::make_unique<Server>(
        postgres_.conninfo(), std::vector<std::string>{"--workers=2", "--roll-settle=100ms",
                                                       "--tokens", tokens_, "--log-level=debug"});
  }

  static std::vector<std::string> send_words(const Server& server, const std::string& file,
                                             const std::string& token) {
    std::vector<std::string> words = {TXINDEX_BINARY,   "send",          "--quiet", "--server",
                                      server.address(), "--connections", "3",       file};
    if (!token.empty()) words.insert(words.end(), {"--token-file", token});
    return words;
  }
  static Ran send(const Server& server, const std::string& file, const std::string& token) {
    return run(send_words(server, file, token));
  }
  // First line of a file.
  static std::string text_of(const std::string& file) {
    const std::string text = read_file(file);
    return text.substr(0, text.find('\n'));
  }
  // The value of a metric, with its labels.
  static double metric(const Server& server, const std::string& name) {
    const std::string address = server.admin_address();
    const auto port = std::stoi(address.substr(address.find(':') + 1));
    const std::string text = http_get(static_cast<std::uint16_t>(port), "/metrics").body;
    const auto at = text.find("\ntxindex_" + name + " ");
    if (at == std::string::npos) return -1;
    return std::stod(text.substr(text.find(' ', at)));
  }
  static double of_token(const Server& server, const std::string& what, const std::string& name) {
    return metric(server, "token_" + what + "_total{token=\"" + name + "\"}");
  }
  static int count(const std::string& text, const std::string& what) {
    int found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
      ++found;
    return found;
  }
  std::int64_t rows() {
    return std::stoll(postgres_.query("SELECT count(*) FROM txindex.transactions"));
  }

  PostgresCluster postgres_;
  TempDir dir_;
  std::string tokens_ = dir_ / "tokens";
  std::map<std::string, std::string> lines_;
};

TEST_F(TokensTest, WithoutAValidOneNothingIsTakenAndWithOneItIsCounted) {
  const std::string alice = make("alice");
  const std::string bob = make("bob");
  const auto server = start();
  const std::string file = generate(dir_, 300);
  const std::string wrong = dir_ / "wrong";
  write_file(wrong, std::string(43, 'x') + "\n");

  const Ran without = send(*server, file, "");
  const Ran with_wrong = send(*server, file, wrong);
  for (const Ran& ran : {without, with_wrong}) {
    EXPECT_EQ(ran.status, 1);
    EXPECT_HAS(ran.output, "refused by the server: a valid token is needed");
    EXPECT_HAS(ran.output, "(code 6)");
  }
  RawClient stranger(server->port());
  const std::string line =
      chain::base64::encode(as_bytes(read_file(TXINDEX_TEST_DATA "/solana_mainnet_1.bin"))) + "\n";
  stranger.send(line);
  const auto refused = stranger.receive_line();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->rfind("error a valid token is needed", 0), 0U) << *refused;
  EXPECT_EQ(stranger.receive_line(), std::nullopt);
  EXPECT_EQ(rows(), 0);

  EXPECT_EQ(send(*server, file, alice).status, 0);
  EXPECT_EQ(rows(), 300);
  RawClient lines(server->port());
  lines.send("token " + text_of(bob) + "\r\n" + line + "nonsense!\n");
  const auto committed = lines.receive_line();
  ASSERT_TRUE(committed);
  EXPECT_EQ(committed->rfind("committed ", 0), 0U) << *committed;
  EXPECT_EQ(lines.receive_line(), "rejected malformed not base64");

  EXPECT_EQ(of_token(*server, "transactions_received", "alice"), 300);
  EXPECT_EQ(of_token(*server, "transactions_rejected", "alice"), 0);
  EXPECT_GE(of_token(*server, "connections", "alice"), 1);
  EXPECT_EQ(of_token(*server, "transactions_received", "bob"), 2);
  EXPECT_EQ(of_token(*server, "transactions_rejected", "bob"), 1);
  EXPECT_GE(metric(*server, "tokens_refused_total{slot=\"0\"}") +
                metric(*server, "tokens_refused_total{slot=\"1\"}"),
            3);
  EXPECT_EQ(server->stop(), 0) << server->log();
  EXPECT_HAS(server->log(), "token=alice");
  EXPECT_HAS(server->log(), "a valid token is needed");
  for (const std::string& secret : {text_of(alice), text_of(bob), text_of(wrong)})
    EXPECT_EQ(server->log().find(secret), std::string::npos);
}

TEST_F(TokensTest, ARevokedOneEndsWithTheNextRollAndAFileThatIsWrongAbortsIt) {
  const std::string alice = make("alice");
  const std::string bob = make("bob");
  const auto server = start();
  RawClient old(server->port());
  old.send("token " + text_of(alice) + "\n");
  EXPECT_TRUE(server->logs("a producer has shown its token"));

  lines_.erase("alice");
  write_tokens();
  kill(server->pid(), SIGUSR2);
  ASSERT_TRUE(server->logs("a rolling restart is done roll=1 ")) << server->log();
  EXPECT_EQ(old.receive_line(), "error draining: send again what has no answer");
  const std::string file = generate(dir_, 10);
  const Ran refused = send(*server, file, alice);
  EXPECT_EQ(refused.status, 1);
  EXPECT_HAS(refused.output, "a valid token is needed");
  EXPECT_EQ(send(*server, file, bob).status, 0);

  write_file(tokens_, "bob " + text_of(bob) + "\n");
  kill(server->pid(), SIGUSR2);
  ASSERT_TRUE(server->logs("a rolling restart is aborted")) << server->log();
  EXPECT_HAS(server->log(), "tokens: " + tokens_ + ":1: behind the name there has to be a hash");
  EXPECT_EQ(send(*server, file, bob).status, 0);
  EXPECT_EQ(server->stop(), 0) << server->log();
  EXPECT_EQ(server->log().find(text_of(bob)), std::string::npos);
}

// The sockets stay over a reload, wherever the file says to listen meanwhile.
TEST_F(TokensTest, WhatIsServedIsNotOpenedByAReloadThatNamesALoopbackAddress) {
  make("alice");
  write_tokens();
  const std::string file = dir_ / "conf";
  write_file(file, "listen = 0.0.0.0:0\ntokens = " + tokens_ + "\n");
  Server::Options options;
  options.flags = {"--config=" + file, "--workers=2", "--roll-settle=100ms"};
  options.listen_by_flag = false;
  Server server(postgres_.conninfo(), options);
  write_file(file, "listen = 127.0.0.1:0\n");
  const std::string problem = "what is served is 0.0.0.0:" + std::to_string(server.port());

  const auto expect_closed = [&] {
    // Several connections, so that each of the workers has some.
    for (int i = 0; i < 10; ++i) {
      RawClient stranger(server.port());
      stranger.send(std::string("AAAA\n"));
      const auto line = stranger.receive_line();
      ASSERT_TRUE(line);
      EXPECT_EQ(line->rfind("error a valid token is needed", 0), 0U) << *line;
    }
  };
  kill(server.pid(), SIGUSR2);
  ASSERT_TRUE(server.logs("a rolling restart is aborted")) << server.log();
  EXPECT_HAS(server.log(), problem);
  EXPECT_HAS(server.log(), "needs a full restart, not a reload");
  expect_closed();
  kill(server.pid(), SIGHUP);
  ASSERT_TRUE(server.logs_times("a rolling restart is aborted", 2)) << server.log();
  EXPECT_FALSE(server.logs("this is the supervisor from now on", std::chrono::milliseconds(0)));
  expect_closed();
  // Nor by one worker that is replaced because it died.
  const int before = count(server.log(), problem);
  kill(server.worker_pids().front(), SIGKILL);
  ASSERT_TRUE(server.logs_times(problem, before + 1)) << server.log();
  expect_closed();

  write_file(file, "listen = 127.0.0.1:0\ntokens = " + tokens_ + "\n");
  ASSERT_TRUE(server.logs("a process is ready")) << server.log();
  expect_closed();
  EXPECT_EQ(server.stop(), 0) << server.log();
}

// Only the least time is looked at: a busy machine may be as slow as it likes.
TEST_F(TokensTest, LimitsHoldOverAllConnectionsAndLoseNothing) {
  const std::string rate = make("rate", {"rate=200/s", "burst=50"});
  const std::string volume = make("volume", {"volume=100000/s"});
  const auto server = start();
  const auto seconds_of = [&](const std::string& file, const std::string& token) {
    const auto begin = std::chrono::steady_clock::now();
    const Ran ran = send(*server, file, token);
    EXPECT_EQ(ran.status, 0) << ran.output;
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  // Each connection may have taken one before it saw what the others took.
  EXPECT_GE(seconds_of(generate(dir_, 400), rate), (400.0 - 50 - 3) / 200);
  EXPECT_EQ(rows(), 400);
  EXPECT_GT(of_token(*server, "slowed", "rate"), 0);

  const auto bytes_before =
      std::stod(postgres_.query("SELECT sum(length(raw)) FROM txindex.transactions"));
  const double took = seconds_of(generate(dir_, 1'000), volume);
  const auto bytes =
      std::stod(postgres_.query("SELECT sum(length(raw)) FROM txindex.transactions")) -
      bytes_before;
  EXPECT_GT(bytes, 150'000);
  // One transaction for each connection may be over it.
  EXPECT_GE(took, (bytes - 100'000 - 3 * 5'000) / 100'000);
  EXPECT_EQ(rows(), 1'400);
  EXPECT_EQ(server->stop(), 0) << server->log();
}

}  // namespace
}  // namespace txindex::test
