// verify.backend on the real server: each judges, and says so; what cannot run here is refused
// wherever it is asked for.
#include "txindex/verify_backend.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "support/expect.h"
#include "support/http_exchange.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/server.h"
#include "support/solana_builder.h"
#include "verify/ed25519/kernel.h"

namespace txindex::test {
namespace {

constexpr std::size_t kSignatureAt = 1;  // in a transaction; its message is behind it
constexpr const char* kCannotRun = "verify.backend: avx512ifma cannot run here";

// What is needed for it on this processor; nothing if it cannot be had.
std::optional<std::map<std::string, std::string>> environment_for(const std::string& backend) {
  if (backend == "avx512" && !verify::ed25519::avx512_is_there()) return std::nullopt;
  if (backend != "avx512ifma" || verify::ed25519::avx512ifma_is_there()) return {{}};
#ifdef TXINDEX_TEST_SWITCHES
  return {{{"TXINDEX_TEST_KERNEL", "1"}}};
#else
  return std::nullopt;
#endif
}

Blob legacy_transfer(std::uint64_t number) {
  return solana_transfer(SolanaTransaction::kLegacy, number).bytes();
}

class VerifyBackendTest : public testing::Test {
 protected:
  // With a configuration file, which a test may change.
  std::unique_ptr<Server> start(const std::string& backend) {
    configure(backend);
    Server::Options options;
    options.flags = {"--config=" + config, "--workers=1"};
    options.environment = environment_for(backend).value();
    return std::make_unique<Server>(postgres.conninfo(), options);
  }
  void configure(const std::string& backend) {
    write_file(config, "roll.settle = 100ms\nverify.backend = " + backend + "\n");
  }
  std::int64_t rows() {
    return std::stoll(postgres.query("SELECT count(*) FROM txindex.transactions"));
  }

  TempDir dir;
  std::string config = dir / "txindexd.conf";
  PostgresCluster postgres;
};

std::uint16_t admin_port(const Server& server) {
  const std::string address = server.admin_address();
  return static_cast<std::uint16_t>(std::stoul(address.substr(address.find(':') + 1)));
}

boost::json::value status_of(const Server& server) {
  return boost::json::parse(http_get(admin_port(server), "/status").body);
}

// Sends good ones, and among them some whose R, S, key, or message is another than was signed; all
// at once, so that many are judged together.
void expect_judges_rightly(const Server& server, std::uint64_t first, std::int64_t& good,
                           std::int64_t& bad) {
  RawClient client(server.port());
  client.hello();
  RawClient::Bytes all;
  std::map<std::uint64_t, int> expected;
  for (std::uint64_t i = 1; i <= 300; ++i) {
    Blob bytes = legacy_transfer(first + i);
    const bool is_bad = i % 5 < 2;
    if (is_bad) {
      // In R, in S, in the key of the fee payer, and at the end of the message.
      const std::size_t places[] = {kSignatureAt + i % 32, kSignatureAt + 32 + i % 31,
                                    kSignatureAt + 64 + 4 + i % 32, bytes.size() - 1};
      bytes[places[i / 5 % 4]] ^= static_cast<std::uint8_t>(1U << i % 8);
    }
    client.send_tx(bytes);
    expected[i] = is_bad ? kBadSignature : kCommitted;
    ++(is_bad ? bad : good);
  }
  EXPECT_EQ(client.receive_acks(300), expected);
}

class EachBackendTest : public VerifyBackendTest,
                        public testing::WithParamInterface<std::string_view> {};

TEST_P(EachBackendTest, AcceptsAndRejectsRightlyAndSaysWhatJudged) {
  const std::string backend(GetParam());
  if (!environment_for(backend)) GTEST_SKIP() << "this processor has no " << backend;
  const auto server = start(backend);
  std::int64_t good = 0;
  std::int64_t bad = 0;
  expect_judges_rightly(*server, 0, good, bad);
  EXPECT_EQ(rows(), good);
  EXPECT_HAS(server->log(), "signatures are verified backend=" + backend + "\n");
  const auto status = status_of(*server);
  EXPECT_EQ(status.at("slots").at(0).at("verify_backend").as_string(), backend);
  EXPECT_TRUE(status.at("slots").at(1).at("verify_backend").is_null()) << "the admin process";
  const auto& counters = status.at("totals").at("counters");
  EXPECT_EQ(counters.at("outcome_committed").as_int64(), good);
  EXPECT_EQ(counters.at("outcome_bad_signature").as_int64(), bad);
  EXPECT_EQ(counters.at("verified_signatures").as_int64(), good + bad);
  const std::string metrics = http_get(admin_port(*server), "/metrics").body;
  for (const auto name : kVerifyBackends) {
    EXPECT_HAS(metrics, "txindex_process_verify_backend{slot=\"0\",backend=\"" + std::string(name) +
                            "\"} " + (name == backend ? "1" : "0") + "\n");
  }
  EXPECT_EQ(server->stop(), 0) << server->log();
}

INSTANTIATE_TEST_SUITE_P(VerifyBackend, EachBackendTest,
                         testing::Values("libsodium", "avx512", "avx512ifma"),
                         [](const auto& one) { return std::string(one.param); });

TEST_F(VerifyBackendTest, AReloadChangesItAndOneThatCannotRunChangesNothing) {
  if (!environment_for("avx512")) GTEST_SKIP() << "this processor has only one";
  const auto server = start("avx512");
  std::int64_t good = 0;
  std::int64_t bad = 0;
  expect_judges_rightly(*server, 0, good, bad);
  configure("libsodium");
  kill(server->pid(), SIGHUP);
  ASSERT_TRUE(server->logs("a rolling restart is done roll=1 ")) << server->log();
  EXPECT_HAS(server->log(), "signatures are verified backend=libsodium\n");
  EXPECT_EQ(status_of(*server).at("slots").at(0).at("verify_backend").as_string(), "libsodium");
  expect_judges_rightly(*server, 1000, good, bad);
  EXPECT_EQ(rows(), good);

  if (!verify::ed25519::avx512ifma_is_there()) {
    configure("avx512ifma");
    int aborted = 0;
    for (const int signal : {SIGHUP, SIGUSR2}) {
      const auto workers = server->worker_pids();
      kill(server->pid(), signal);
      ASSERT_TRUE(server->logs_times("a rolling restart is aborted; ", ++aborted));
      EXPECT_TRUE(server->logs_times(kCannotRun, aborted)) << server->log();
      EXPECT_EQ(server->worker_pids(), workers);
    }
    expect_judges_rightly(*server, 2000, good, bad);
    EXPECT_EQ(rows(), good);
  }
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST(VerifyBackendStartTest, OneThatCannotRunHereEndsTheStartBeforeAnythingIsDone) {
  if (verify::ed25519::avx512ifma_is_there()) GTEST_SKIP() << "this processor has it";
  const PostgresCluster postgres;
  const std::vector<std::string> serve = {TXINDEXD_BINARY, "--database=" + postgres.conninfo(),
                                          "--listen=127.0.0.1:0", "--admin=off",
                                          "--verify-backend=avx512ifma"};
  auto check = serve;
  check.emplace_back("--check-config");
  for (const auto& command : {check, serve}) {
    const auto ran = run(command);
    EXPECT_EQ(ran.status, 2) << ran.output;
    EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1) << ran.output;
    EXPECT_HAS(ran.output, kCannotRun);
    EXPECT_HAS(ran.output, "use auto or libsodium");
  }
  EXPECT_EQ(postgres.query("SELECT count(*) FROM pg_namespace WHERE nspname = 'txindex'"), "0");
}

TEST(VerifyBackendStartTest, TheVersionSaysWhatVerifiesHere) {
  const auto ran = run({TXINDEXD_BINARY, "--version"});
  EXPECT_EQ(ran.status, 0);
  const std::string fastest = verify::ed25519::avx512ifma_is_there() ? "avx512ifma"
                              : verify::ed25519::avx512_is_there()   ? "avx512"
                                                                     : "libsodium";
  EXPECT_HAS(ran.output, "\nsignatures are verified by " + fastest + ",");
}

}  // namespace
}  // namespace txindex::test
