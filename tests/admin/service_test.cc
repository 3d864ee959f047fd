// The admin port of the whole service: while its workers are saturated, hang, die and are replaced.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <map>
#include <regex>
#include <sstream>

#include "txindex/endpoint.h"

#include "support/expect.h"
#include "support/http_exchange.h"
#include "support/postgres.h"
#include "support/process.h"
#include "support/server.h"

namespace txindex::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class AdminServiceTest : public ::testing::Test {
 protected:
  // The load is gone by now.
  void TearDown() override { EXPECT_EQ(server.stop(), 0) << server.log(); }

  std::uint16_t port() const { return parse_endpoint(server.admin_address()).value().port; }
  std::unique_ptr<Process> load(std::vector<std::string> flags) const {
    flags.insert(flags.begin(), {TXINDEX_BINARY, "load", "--server", server.address(), "--quiet",
                                 "--connections=4", "--ahead=2000", "--duration=300"});
    return std::make_unique<Process>(std::move(flags));
  }
  boost::json::value status() const { return boost::json::parse(http_get(port(), "/status").body); }
  double committed_per_second() const {
    return status().at("totals").at("recent").at("committed_per_second").to_number<double>();
  }

  PostgresCluster postgres;
  Server server{postgres.conninfo(), {"--workers=2", "--roll-settle=0"}};
};

// The half of so many requests is answered within this time.
milliseconds median_of_answers(std::uint16_t port) {
  HttpConnection connection(port);
  std::vector<Clock::duration> took;
  for (int i = 0; i < 100; ++i) {
    const auto begun = Clock::now();
    EXPECT_EQ(connection.get(i % 2 == 0 ? "/metrics" : "/status").status, 200);
    took.push_back(Clock::now() - begun);
  }
  std::sort(took.begin(), took.end());
  return std::chrono::ceil<milliseconds>(took[took.size() / 2]);
}

TEST_F(AdminServiceTest, ItAnswersAtOnceWhileWorkersAreSaturatedAndWhileOneHangs) {
  const auto flat_out = load({});
  ASSERT_TRUE(eventually([&] { return committed_per_second() > 0; })) << server.log();
  EXPECT_LE(median_of_answers(port()), test::kAtOnce);

  const pid_t hung = server.worker_pids().at(0);
  ASSERT_EQ(kill(hung, SIGSTOP), 0);
  EXPECT_TRUE(eventually([&] {
    const auto slot = status().at("slots").at(0);
    return slot.at("heartbeat_age_seconds").is_double() &&
           slot.at("heartbeat_age_seconds").get_double() > 1;
  }));
  EXPECT_LE(median_of_answers(port()), test::kAtOnce);
  EXPECT_EQ(http_get(port(), "/readyz").status, 200) << "the other one is ready";
  kill(hung, SIGCONT);
}

TEST_F(AdminServiceTest, ThatPostgresIsAwayIsSeenWithoutATransaction) {
  const auto state = [&] { return std::string(status().at("state").as_string()); };
  EXPECT_EQ(state(), "serving");
  postgres.stop(PostgresCluster::Mode::fast);
  EXPECT_TRUE(eventually([&] { return http_get(port(), "/readyz").status == 503; }));
  EXPECT_EQ(http_get(port(), "/readyz").body,
            "not ready: no writer is connected to PostgreSQL, the log says why\n");
  EXPECT_EQ(state(), "degraded");
  const auto said = run({TXINDEX_BINARY, "status", "--admin", server.admin_address()});
  EXPECT_EQ(said.status, 3);
  EXPECT_HAS(said.output, "0 of 4 writers connected");
  postgres.start();
  EXPECT_TRUE(eventually([&] { return http_get(port(), "/readyz").status == 200; }));
  EXPECT_EQ(state(), "serving");
}

// Its writers, and who looks after the database, are in the middle of connecting again.
TEST(IdleServiceTest, EndsAtOnceThoughPostgresDoesNotAnswer) {
  PostgresCluster postgres;
  Server server(postgres.conninfo(), {"--workers=2"});
  const std::uint16_t port = parse_endpoint(server.admin_address()).value().port;
  postgres.query(
      "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"
      " WHERE application_name = 'txindexd'");
  postgres.pause();
  EXPECT_TRUE(eventually([&] { return http_get(port, "/readyz").status == 503; })) << server.log();
  const auto begun = Clock::now();
  EXPECT_EQ(server.stop(), 0) << server.log();
  EXPECT_LT(Clock::now() - begun, std::chrono::seconds(3));
  postgres.resume();
}

// Of one scrape, everything that only grows.
std::map<std::string, double> counters(std::uint16_t port) {
  static const std::regex kCounter(
      "(txindex_[a-z_]+(?:_total|_bucket|_count|_sum)(?:\\{.*\\})?) (.*)");
  std::map<std::string, double> all;
  std::istringstream lines(http_get(port, "/metrics").body);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, kCounter)) all[match[1]] = std::stod(match[2]);
  }
  return all;
}

TEST_F(AdminServiceTest, CountersNeverGoBackOverDeathsAndARollingRestart) {
  const auto steady = load({"--rate=500"});
  auto before = counters(port());
  const auto scrape = [&] {
    const auto now = counters(port());
    for (const auto& [name, was] : before) {
      const auto found = now.find(name);
      ASSERT_NE(found, now.end()) << name << " is gone";
      EXPECT_GE(found->second, was) << name;
    }
    before = now;
  };
  const auto restarts = [&](const char* slot) {
    scrape();
    return before[std::string("txindex_process_restarts_total{slot=\"") + slot + "\"}"];
  };
  ASSERT_GT(before.size(), 100u);
  EXPECT_TRUE(eventually([&] { return committed_per_second() > 0; }));
  kill(server.worker_pids().at(1), SIGKILL);
  EXPECT_TRUE(eventually([&] { return restarts("1") == 1; })) << server.log();
  EXPECT_TRUE(eventually([&] {
    scrape();
    return status().at("workers").at("ready").to_number<int>() == 2;
  }));
  server.process().signal(SIGUSR2);
  EXPECT_TRUE(eventually([&] {
    scrape();
    return before["txindex_rolls_ended_total"] == 1;
  })) << server.log();
  EXPECT_EQ(status().at("roll").at("last").at("outcome"), "done") << server.log();
  EXPECT_EQ(restarts("0"), 0) << "a roll is no restart";
}

TEST_F(AdminServiceTest, AnAdminProcessThatDiesIsReplacedAndNobodyIsRefusedMeanwhile) {
  const auto admin = [&] { return status().at("slots").at(2); };
  const auto pid = admin().at("pid").to_number<pid_t>();
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  EXPECT_EQ(http_get(port(), "/healthz").body, "ok\n") << "it waits for the replacement";
  EXPECT_NE(admin().at("pid").to_number<pid_t>(), pid);
  EXPECT_EQ(admin().at("restarts").to_number<int>(), 1);
}

// While a replacement has one of its two connections, because PostgreSQL gives it no more.
TEST(AdminWritersTest, NoMoreAreConnectedThanThereAreWhileAWorkerIsReplaced) {
  PostgresCluster postgres;
  postgres.query("CREATE ROLE indexer LOGIN");
  postgres.query("CREATE DATABASE chain OWNER indexer");
  Server server("host=" + postgres.host() + " dbname=chain user=indexer",
                {"--workers=1", "--writers=2"});
  const auto port = parse_endpoint(server.admin_address()).value().port;
  const auto gauges = [&] {
    const auto sums =
        boost::json::parse(http_get(port, "/status").body).at("totals").at("gauges").as_object();
    return std::pair(sums.at("postgres_connected").to_number<int>(),
                     sums.at("writers").to_number<int>());
  };
  EXPECT_EQ(gauges(), std::pair(2, 2));
  postgres.query("ALTER ROLE indexer CONNECTION LIMIT 1");
  ASSERT_EQ(kill(server.worker_pids().at(0), SIGKILL), 0);
  EXPECT_TRUE(eventually([&] {
    const auto [connected, writers] = gauges();
    EXPECT_LE(connected, writers);
    return std::pair(connected, writers) == std::pair(1, 2);
  })) << server.log();
  postgres.query("ALTER ROLE indexer CONNECTION LIMIT -1");
  EXPECT_TRUE(eventually([&] { return gauges() == std::pair(2, 2); })) << server.log();
  EXPECT_EQ(server.stop(), 0) << server.log();
}

}  // namespace
}  // namespace txindex::test
