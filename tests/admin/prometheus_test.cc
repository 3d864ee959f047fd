// Prometheus' own tools on the real admin process: its linter, and a server that scrapes it.
#include <gtest/gtest.h>
#include <signal.h>

#include <boost/json.hpp>

#include "stats/block.h"
#include "stats/service.h"
#include "support/admin_process.h"
#include "support/http_exchange.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace txindex::test {
namespace {

using stats::ServiceWord;
using stats::Timing;
using stats::Word;

class PrometheusTest : public ::testing::Test {
 protected:
  PrometheusTest() {
    auto& service = segment.service();
    set(service, ServiceWord::worker_slots, 2);
    set(service, ServiceWord::roll_running, 1);
    set(service, stats::ServiceText::version, "1.2.3 \"quoted\" \\ and\nbroken");
    for (const std::size_t slot : {0, 1}) {
      auto& block = segment.block(slot, 0);
      for (std::size_t i = 0; i < stats::kWords.size(); ++i)
        set(block, static_cast<Word>(i), 1000 * slot + i);
      for (const auto timing : {Timing::verify, Timing::commit, Timing::receive_to_ack})
        record(block, timing, 1234, 10);
    }
  }
  stats::Segment segment = stats::Segment::create().value();
  TempDir dir;
};

TEST_F(PrometheusTest, PromtoolFindsNothingToComplainOf) {
  AdminProcess admin(segment);
  const auto metrics = http_get(admin.port(), "/metrics");
  ASSERT_EQ(metrics.status, 200);
  write_file(dir / "metrics", metrics.body);
  Process::Options options;
  options.input_file = dir / "metrics";
  const auto checked = run({"promtool", "check", "metrics"}, options);
  EXPECT_NE(checked.status, 127) << "promtool is missing: scripts/install-packages.sh installs it";
  EXPECT_EQ(checked.status, 0) << checked.output;
  EXPECT_EQ(checked.output, "");
}

TEST_F(PrometheusTest, APrometheusServerScrapesItAndAnswersFromIt) {
  AdminProcess admin(segment);
  write_file(dir / "prometheus.yml",
             "scrape_configs:\n"
             "- job_name: txindexd\n"
             "  scrape_interval: 1s\n"
             "  scrape_timeout: 1s\n"
             "  static_configs: [{targets: ['" +
                 admin.address() + "']}]\n");
  Process::Options options;
  options.output_file = dir / "log";
  Process prometheus({"prometheus", "--config.file=" + (dir / "prometheus.yml").string(),
                      "--storage.tsdb.path=" + (dir / "data").string(),
                      "--web.listen-address=127.0.0.1:0", "--log.level=info"},
                     options);
  const auto log = [&] { return read_file(dir / "log"); };
  // It logs the port that it has got.
  std::uint16_t port = 0;
  ASSERT_TRUE(eventually([&] {
    const std::string text = log();
    static const std::string kLine = "msg=\"Listening on\" address=127.0.0.1:";
    const auto at = text.find(kLine);
    if (at == std::string::npos || !prometheus.running()) return !prometheus.running();
    port = static_cast<std::uint16_t>(std::stoul(text.substr(at + kLine.size())));
    return true;
  })) << log();
  ASSERT_NE(port, 0) << "prometheus ended (is it installed? scripts/install-packages.sh does it): "
                     << log();

  // The value of a query that has one result; empty without one.
  const auto query = [&](const std::string& expression) -> std::string {
    const auto reply = http_get(port, "/api/v1/query?query=" + expression);
    if (reply.status != 200) return {};
    const auto answer = boost::json::parse(reply.body);
    const auto& results = answer.at("data").at("result").as_array();
    if (results.size() != 1) return {};
    return std::string(results[0].at("value").at(1).as_string());
  };
  EXPECT_TRUE(eventually([&] { return query("up") == "1"; })) << log();
  EXPECT_EQ(query("sum(txindex_transactions_received_total)"),
            std::to_string(1000 + 2 * static_cast<int>(Word::received)));
  EXPECT_EQ(query("sum(txindex_commit_duration_seconds_count)"), "20");
  add(segment.block(1, 1), Word::received, 4'000'000);
  EXPECT_TRUE(eventually([&] {
    return query("max(txindex_transactions_received_total)") ==
           std::to_string(4'001'000 + static_cast<int>(Word::received));
  })) << "a second scrape sees what has happened meanwhile";
  prometheus.signal(SIGTERM);
  EXPECT_EQ(prometheus.wait(), 0);
}

}  // namespace
}  // namespace txindex::test
