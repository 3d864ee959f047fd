// Strangers on the ingest port and on the admin port, and an honest producer beside them.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "support/crowd.h"
#include "support/http_exchange.h"
#include "support/network.h"
#include "support/postgres.h"
#include "support/random.h"
#include "support/raw_client.h"
#include "support/sending.h"
#include "support/server.h"

namespace txindex::test {
namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;
constexpr std::size_t kDescriptorsForTheRest = 400;

// By hand, as many strangers as this: TXINDEX_TEST_STRANGERS=20000. Then the rate is looked at too,
// which on a busy machine says little.
std::size_t strangers_by_hand() {
  const char* given = std::getenv("TXINDEX_TEST_STRANGERS");
  return given == nullptr ? 0 : std::strtoul(given, nullptr, 10);
}

std::size_t descriptors_allowed() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  return files.rlim_cur;
}

// Memory that the process shares with nobody and no file, in bytes.
std::size_t private_bytes(pid_t pid) {
  std::istringstream in(read_file("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("RssAnon:")) return std::stoul(line.substr(8)) * kKiB;
  }
  return 0;
}

class AbuseTest : public testing::Test {
 protected:
  AbuseTest() {
    enter_own_network();
    postgres_ = std::make_unique<PostgresCluster>();
  }

  void start(std::vector<std::string> flags) {
    flags.insert(flags.end(), {"--workers=1"});
    server_ = std::make_unique<Server>(postgres_->conninfo(), flags);
  }
  std::uint16_t admin_port() const {
    const std::string address = server_->admin_address();
    return static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
  }
  // A metric of worker 0; -1 if there is none.
  double metric(const std::string& name, const std::string& labels = "") const {
    const std::string begin = "txindex_" + name + "{slot=\"0\"" + labels + "} ";
    std::istringstream in(http_get(admin_port(), "/metrics").body);
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with(begin)) return std::stod(line.substr(begin.size()));
    }
    return -1;
  }
  double overdue(const std::string& reason) const {
    return metric("connections_overdue_total", ",reason=\"" + reason + "\"");
  }

  std::unique_ptr<PostgresCluster> postgres_;
  std::unique_ptr<Server> server_;
  TempDir dir_;
};

std::vector<std::uint64_t> ended_of_each(const Crowd& crowd) {
  std::vector<std::uint64_t> ended;
  for (std::size_t kind = 0; kind < kAbuses; ++kind)
    ended.push_back(crowd.ended(static_cast<Abuse>(kind)));
  return ended;
}

struct Timed {
  Report report;
  double per_second = 0;
};

Timed timed_send(const std::string& server, const std::string& file) {
  const auto begun = std::chrono::steady_clock::now();
  Timed timed{send(server, file, 2), 0};
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  timed.per_second = static_cast<double>(timed.report["total"]) / took.count();
  return timed;
}

TEST_F(AbuseTest, AnHonestProducerIsServedAndMemoryIsBoundedWhileACrowdAbusesThePort) {
  constexpr std::size_t kPerAddress = 20;
  const std::size_t by_hand = strangers_by_hand();
  const std::size_t room = descriptors_allowed() - kDescriptorsForTheRest;
  const std::size_t strangers = std::min(by_hand == 0 ? 450 : by_hand, room);
  const std::size_t connections = strangers + 100;
  const std::size_t in_flight = std::max(16 * kMiB, connections * 8 * kKiB);  // as README says
  const std::size_t count = by_hand == 0 ? 4000 : 20'000;
  std::vector<std::string> flags = {
      "--limits-max-connections=" + std::to_string(connections),
      "--limits-max-connections-per-address=" + std::to_string(kPerAddress),
      "--limits-in-flight-bytes=" + std::to_string(in_flight)};
  if (by_hand == 0) {
    flags.insert(flags.end(), {"--limits-hello-timeout=2s", "--limits-frame-timeout=2s",
                               "--limits-answers-timeout=2s"});
  }
  start(flags);
  const auto quiet_file = generate(dir_, count);
  const auto beside_file = generate(dir_, count);
  const pid_t worker = server_->worker_pids().at(0);
  const Timed quiet = timed_send(server_->address(), quiet_file);
  ASSERT_EQ(quiet.report["committed"], static_cast<std::int64_t>(count)) << quiet.report.output;
  const std::size_t before = private_bytes(worker);

  Random random;
  const auto crowd = std::make_unique<Crowd>(server_->port(), strangers, random.engine()());
  ASSERT_TRUE(eventually([&] { return crowd->connected() >= strangers * 3 / 4; }));
  const Timed beside = timed_send(server_->address(), beside_file);
  EXPECT_EQ(beside.report.status, 0) << beside.report.output;
  EXPECT_EQ(beside.report["committed"], static_cast<std::int64_t>(count)) << beside.report.output;

  // The README's bound.
  const std::size_t bound = 64 * kMiB + 3 * in_flight + connections * 448 * kKiB;
  std::size_t most = 0;
  const auto all_are_ended = [&] {
    most = std::max(most, private_bytes(worker));
    for (const auto kind : {Abuse::only_connect, Abuse::tls, Abuse::slow, Abuse::absurd,
                            Abuse::reads_none, Abuse::one_address}) {
      if (crowd->ended(kind) == 0) return false;
    }
    return overdue("hello") > 0 && overdue("frame") > 0 && overdue("answers") > 0;
  };
  EXPECT_TRUE(eventually(all_are_ended, std::chrono::seconds(100)))
      << "ended, of each kind: " << testing::PrintToString(ended_of_each(*crowd))
      << "; overdue: hello " << overdue("hello") << ", frame " << overdue("frame") << ", answers "
      << overdue("answers");
  EXPECT_LT(most, bound);
  EXPECT_GT(metric("connections_refused_total"), 0);
  EXPECT_GT(metric("connections_broken_total"), 0);
  EXPECT_EQ(server_->worker_pids().at(0), worker) << "the worker lives";
  std::cout << strangers << " strangers made " << crowd->made() << " connections; private memory "
            << before / kKiB << " KiB before, " << most / kKiB << " KiB with them, bound "
            << bound / kKiB << " KiB; honest producer " << quiet.per_second
            << " transactions/s without them, " << beside.per_second << " with them\n";
  if (by_hand != 0) {
    EXPECT_GT(beside.per_second, quiet.per_second / 2);
  }
}

TEST_F(AbuseTest, WhoWaitsForAPlaceGetsOneWhenSilentOnesAreEnded) {
  constexpr int kPlaces = 20;
  start({"--limits-max-connections=" + std::to_string(kPlaces), "--limits-hello-timeout=1s"});
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 2 * kPlaces; ++i)
    silent.push_back(std::make_unique<RawClient>(server_->port()));
  RawClient honest(server_->port());
  EXPECT_EQ(honest.hello().size(), 17U);
  EXPECT_GE(overdue("hello"), kPlaces);
}

TEST_F(AbuseTest, AWorkerWithoutDescriptorsGoesOnWithThoseItHasAndTakesTheRestLater) {
  start({});
  RawClient first(server_->port());
  first.hello();
  const pid_t worker = server_->worker_pids().at(0);
  rlimit before{};
  ASSERT_EQ(prlimit(worker, RLIMIT_NOFILE, nullptr, &before), 0);
  const rlimit lowered{3, before.rlim_max};
  ASSERT_EQ(prlimit(worker, RLIMIT_NOFILE, &lowered, nullptr), 0);
  RawClient second(server_->port());
  EXPECT_TRUE(eventually([&] { return metric("accept_errors_total") > 3; }));
  first.send_frame(0x03, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(first.receive_frame()->type, 0x84);
  ASSERT_EQ(prlimit(worker, RLIMIT_NOFILE, &before, nullptr), 0);
  EXPECT_EQ(second.hello().size(), 17U);
  EXPECT_EQ(server_->worker_pids().at(0), worker);
}

TEST_F(AbuseTest, TheAdminPortAnswersWhileACrowdAbusesIt) {
  start({});
  Random random;
  Crowd crowd(admin_port(), 150, random.engine()());
  ASSERT_TRUE(eventually([&] { return crowd.connected() >= 100; }));
  std::chrono::duration<double> longest{};
  for (int i = 0; i < 5; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(http_get(admin_port(), "/healthz").body, "ok\n");
    longest =
        std::max<std::chrono::duration<double>>(longest, std::chrono::steady_clock::now() - begun);
  }
  for (const auto kind : {Abuse::only_connect, Abuse::garbage, Abuse::tls, Abuse::slow}) {
    EXPECT_TRUE(eventually([&] { return crowd.ended(kind) > 0; })) << static_cast<int>(kind);
  }
  std::cout << "150 strangers; the slowest answer took " << longest.count() << " s\n";
}

}  // namespace
}  // namespace txindex::test
