// What the admin port writes: Prometheus text and JSON.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cmath>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "admin/metrics.h"
#include "admin/status.h"
#include "stats/block.h"
#include "stats/service.h"

namespace txindex::admin {
namespace {

namespace json = boost::json;
using stats::ProcessState;
using stats::ServiceText;
using stats::ServiceWord;
using stats::Timing;
using stats::Word;

constexpr std::int64_t kSteadyUs = 50'000'000;
constexpr std::int64_t kWallUs = 1'792'137'612'500'000;

// Every word of two workers and the admin process has a value of its own.
class AdminTextTest : public ::testing::Test {
 protected:
  AdminTextTest() {
    auto& service = segment.service();
    set(service, ServiceWord::supervisor_pid, 4711);
    set(service, ServiceWord::service_state, 1);
    set(service, ServiceWord::started_unix_us, kWallUs - 12'500'000);
    set(service, ServiceWord::worker_slots, 2);
    set(service, ServiceWord::workers, 2);
    set(service, ServiceText::version, "1.2.3");
    set(service, ServiceText::listen, "127.0.0.1:9400");
    set(service, ServiceText::admin, "127.0.0.1:9464");
    for (const std::size_t slot : {std::size_t{0}, std::size_t{1}, stats::kAdminSlot}) {
      auto& block = segment.block(slot, 0);
      for (std::size_t i = 0; i < stats::kWords.size(); ++i)
        set(block, static_cast<Word>(i), value(slot, static_cast<Word>(i)));
      set(block, Word::state, static_cast<std::uint64_t>(ProcessState::ready));
      set(block, Word::heartbeat_us, kSteadyUs - 50'000);
    }
  }

  static std::uint64_t value(std::size_t slot, Word word) {
    return 1'000'000 * (slot + 1) + 1000 * (1 + static_cast<std::uint64_t>(word));
  }
  Reading reading() { return read(segment, kSteadyUs, kWallUs); }

  // The value of a line of the metrics, by its name and labels; NaN if there is none.
  std::map<std::string, double> metrics() {
    std::map<std::string, double> all;
    std::istringstream lines(metrics_text(reading()));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with('#')) continue;
      const auto space = line.rfind(' ');
      EXPECT_TRUE(all.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second)
          << line << " is there twice";
    }
    return all;
  }
  json::object status(const Sampler& sampler = {}) {
    return json::parse(status_json(reading(), sampler)).as_object();
  }

  stats::Segment segment = stats::Segment::create().value();
};

// --- Prometheus --------------------------------------------------------------------------------

TEST_F(AdminTextTest, EveryWordOfAWorkerIsInTheMetrics) {
  const auto all = metrics();
  const std::set<Word> otherwise = {Word::state,          Word::heartbeat_us,
                                    Word::verify_backend, Word::store_partitions,
                                    Word::store_rows,     Word::store_bytes};
  for (std::size_t i = 0; i < stats::kWords.size(); ++i) {
    const auto word = static_cast<Word>(i);
    if (otherwise.contains(word)) continue;
    const double expected = static_cast<double>(value(1, word)) *
                            (word == Word::loop_busy_us || word == Word::loop_idle_us ? 1e-6 : 1);
    const auto found = std::count_if(all.begin(), all.end(), [&](const auto& line) {
      return line.first.find("slot=\"1\"") != std::string::npos &&
             std::abs(line.second - expected) < 1e-9;
    });
    EXPECT_EQ(found, 1) << stats::kWords[i].name;
  }
  EXPECT_EQ(all.at("txindex_store_rows"), static_cast<double>(value(1, Word::store_rows)));
  EXPECT_EQ(all.at("txindex_process_heartbeat_age_seconds{slot=\"1\"}"), 0.05);
}

TEST_F(AdminTextTest, EveryWordOfTheServiceIsInTheMetrics) {
  auto& service = segment.service();
  for (std::size_t i = 0; i < stats::kServiceWords.size(); ++i) {
    const auto word = static_cast<ServiceWord>(i);
    if (word == ServiceWord::service_state || word == ServiceWord::last_roll_outcome) continue;
    set(service, word, word == ServiceWord::worker_slots ? 7 : 9000 + i);
  }
  const auto all = metrics();
  for (std::size_t i = 0; i < stats::kServiceWords.size(); ++i) {
    const auto word = static_cast<ServiceWord>(i);
    if (word == ServiceWord::service_state || word == ServiceWord::last_roll_outcome) continue;
    const double expected = word == ServiceWord::worker_slots ? 7
                            : word == ServiceWord::started_unix_us
                                ? static_cast<double>(9000 + i) * 1e-6
                                : static_cast<double>(9000 + i);
    const auto found = std::count_if(all.begin(), all.end(), [&](const auto& line) {
      return line.first.find('{') == std::string::npos && line.second == expected;
    });
    EXPECT_EQ(found, 1) << stats::kServiceWords[i].name;
  }
  EXPECT_EQ(all.at("txindex_build_info{version=\"1.2.3\"}"), 1);
}

TEST_F(AdminTextTest, NamesFollowPrometheusConventions) {
  std::istringstream lines(metrics_text(reading()));
  std::string type;
  std::set<std::string> families;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      static const std::regex kHelp("# HELP (txindex_[a-z0-9_]+) [A-Z0-9].*");
      std::smatch match;
      ASSERT_TRUE(std::regex_match(line, match, kHelp)) << line;
      EXPECT_TRUE(families.insert(match[1]).second) << line << " is there twice";
    } else if (line.starts_with("# TYPE ")) {
      const bool counter = line.ends_with(" counter");
      EXPECT_EQ(counter, line.find("_total ") != std::string::npos) << line;
      EXPECT_FALSE(line.ends_with("untyped")) << line;
    } else {
      EXPECT_TRUE(line.starts_with("txindex_")) << line;
    }
  }
  EXPECT_GT(families.size(), 50u);
}

TEST_F(AdminTextTest, AStateIsOneOfSeveralLines) {
  const auto all = metrics();
  EXPECT_EQ(all.at("txindex_process_state{slot=\"0\",state=\"ready\"}"), 1);
  for (const char* other : {"empty", "starting", "draining", "held_back", "retired", "silent"})
    EXPECT_EQ(all.at("txindex_process_state{slot=\"0\",state=\"" + std::string(other) + "\"}"), 0);
  EXPECT_EQ(all.at("txindex_process_state{slot=\"admin\",state=\"ready\"}"), 1);
  EXPECT_EQ(all.at("txindex_service_state{state=\"serving\"}"), 1);
  EXPECT_EQ(all.at("txindex_last_roll_outcome{outcome=\"none\"}"), 1);
  EXPECT_EQ(all.count("txindex_roll_slot"), 0u) << "no roll, no slot";
}

TEST_F(AdminTextTest, RejectionsAreOneFamilyByReason) {
  const auto all = metrics();
  EXPECT_EQ(all.at("txindex_transactions_rejected_total{slot=\"0\",reason=\"bad_signature\"}"),
            static_cast<double>(value(0, Word::outcome_bad_signature)));
  const auto reasons = std::count_if(all.begin(), all.end(), [](const auto& line) {
    return line.first.starts_with("txindex_transactions_rejected_total{slot=\"0\"");
  });
  EXPECT_EQ(reasons, 6);
}

TEST_F(AdminTextTest, HistogramsAreCumulativeInSeconds) {
  auto& block = segment.block(0, 0);
  record(block, Timing::commit, 300, 2);  // below 512 us
  record(segment.block(0, 1), Timing::commit, 511);
  record(block, Timing::commit, 512);             // not below it
  record(block, Timing::commit, 200'000'000, 4);  // above all bounds
  const auto all = metrics();
  const auto bucket = [&](const std::string& bound) {
    return all.at("txindex_commit_duration_seconds_bucket{slot=\"0\",le=\"" + bound + "\"}");
  };
  EXPECT_EQ(bucket("0.000256"), 0);
  EXPECT_EQ(bucket("0.000512"), 3);
  EXPECT_EQ(bucket("0.001024"), 4);
  EXPECT_EQ(bucket("67.108864"), 4);
  EXPECT_EQ(bucket("+Inf"), 8);
  EXPECT_EQ(all.at("txindex_commit_duration_seconds_count{slot=\"0\"}"), 8);
  EXPECT_NEAR(all.at("txindex_commit_duration_seconds_sum{slot=\"0\"}"), 800.001623, 1e-6);
  EXPECT_EQ(all.at("txindex_verify_duration_seconds_count{slot=\"0\"}"), 0);
}

TEST_F(AdminTextTest, CountersNeverGoBackWhenAWorkerIsReplaced) {
  record(segment.block(0, 0), Timing::verify, 40, 5);
  const auto before = metrics();
  // The process ends, its side is cleared, another one takes the other side.
  clear_gauges(segment.block(0, 0));
  set(segment.block(0, 1), Word::pid, 5000);
  set(segment.block(0, 1), Word::generation, 3'000'000);
  const auto after = metrics();
  std::size_t counters = 0;
  for (const auto& [name, was] : before) {
    static const std::regex kCounter("[a-z_]+(_total|_bucket|_count|_sum)(\\{.*)?");
    if (!std::regex_match(name, kCounter)) continue;
    ++counters;
    ASSERT_TRUE(after.contains(name)) << name;
    EXPECT_GE(after.at(name), was) << name;
  }
  EXPECT_GT(counters, 100u);
  EXPECT_EQ(after.at("txindex_process_pid{slot=\"0\"}"), 5000);
  EXPECT_EQ(after.at("txindex_in_flight_bytes{slot=\"0\"}"), 0);
}

TEST_F(AdminTextTest, TheStoreIsAbsentUntilItIsMeasured) {
  for (const std::size_t slot : {0, 1})
    clear_gauges(segment.block(slot, 0));
  EXPECT_EQ(metrics().count("txindex_store_bytes"), 0u);
  EXPECT_TRUE(status().at("store").is_null());
}

// --- JSON --------------------------------------------------------------------------------------

TEST_F(AdminTextTest, StatusSaysWhatTheServiceIs) {
  const auto now = status();
  EXPECT_EQ(now.at("version"), "1.2.3");
  EXPECT_EQ(now.at("state"), "serving");
  EXPECT_EQ(now.at("pid").to_number<int>(), 4711);
  EXPECT_EQ(now.at("started_at"), "2026-10-16T08:00:00Z");
  EXPECT_EQ(now.at("uptime_seconds").to_number<double>(), 12.5);
  EXPECT_EQ(now.at("reexecs").to_number<int>(), 0);
  EXPECT_EQ(now.at("listen"), "127.0.0.1:9400");
  EXPECT_EQ(now.at("admin"), "127.0.0.1:9464");
  EXPECT_EQ(now.at("workers"), json::parse(R"({"wanted":2,"ready":2})"));
  EXPECT_EQ(now.at("store").at("rows").to_number<std::uint64_t>(), value(1, Word::store_rows));
}

TEST_F(AdminTextTest, StatusSaysHowARollingRestartGoes) {
  EXPECT_EQ(status().at("roll"),
            json::parse(R"({"running":false,"queued":false,"slot":null,"started":0,"ended":0,
                            "aborted":0,"last":{"outcome":"none","failure":null}})"));
  auto& service = segment.service();
  set(service, ServiceWord::roll_running, 1);
  set(service, ServiceWord::roll_queued, 1);
  set(service, ServiceWord::roll_slot, 1);
  set(service, ServiceWord::rolls_started, 4);
  set(service, ServiceWord::rolls_ended, 3);
  set(service, ServiceWord::rolls_aborted, 1);
  set(service, ServiceWord::last_roll_outcome, 2);
  set(service, ServiceText::roll_failure, "worker 0: \"no\"");
  EXPECT_EQ(status().at("roll"),
            json::parse(R"({"running":true,"queued":true,"slot":1,"started":4,"ended":3,
                            "aborted":1,"last":{"outcome":"aborted","failure":"worker 0: \"no\""}})"));
  set(service, ServiceWord::last_roll_outcome, 77);
  EXPECT_EQ(status().at("roll").at("last").at("outcome"), "unknown");
}

TEST_F(AdminTextTest, StatusHasEverySlotAndTheAdminProcessLast) {
  set(segment.block(1, 1), Word::pid, 99);
  set(segment.block(1, 1), Word::generation, 1);
  const auto slots = status().at("slots").as_array();
  ASSERT_EQ(slots.size(), 3u);
  EXPECT_EQ(slots[0].at("kind"), "worker");
  EXPECT_EQ(slots[2].at("kind"), "admin");
  EXPECT_EQ(slots[2].at("slot").to_number<std::size_t>(), stats::kAdminSlot);
  const auto& slot = slots[1].as_object();
  EXPECT_EQ(slot.at("slot").to_number<int>(), 1);
  EXPECT_EQ(slot.at("state"), "ready");
  EXPECT_EQ(slot.at("pid").to_number<std::uint64_t>(), value(1, Word::pid));
  EXPECT_EQ(slot.at("generation").to_number<std::uint64_t>(), value(1, Word::generation));
  EXPECT_EQ(slot.at("restarts").to_number<std::uint64_t>(), value(1, Word::restarts));
  EXPECT_EQ(slot.at("heartbeat_age_seconds").to_number<double>(), 0.05);
  ASSERT_EQ(slot.at("processes").as_array().size(), 2u);
  EXPECT_EQ(slot.at("processes").at(1),
            json::parse(R"({"pid":99,"generation":1,"state":"empty"})"));
}

TEST_F(AdminTextTest, StatusHasEveryWordByItsName) {
  const auto now = status();
  const std::set<std::string_view> otherwise = {"pid", "generation", "state", "heartbeat_us",
                                                "verify_backend"};
  for (const auto& word : stats::kWords) {
    const char* where = word.kind == stats::Kind::counter ? "counters" : "gauges";
    const auto& slot = now.at("slots").at(0).at(where).as_object();
    const auto& totals = now.at("totals").at(where).as_object();
    EXPECT_EQ(slot.contains(word.name), !otherwise.contains(word.name)) << word.name;
    EXPECT_EQ(totals.contains(word.name), !otherwise.contains(word.name)) << word.name;
  }
  EXPECT_EQ(now.at("totals").at("counters").at("received").to_number<std::uint64_t>(),
            value(0, Word::received) + value(1, Word::received));
}

TEST_F(AdminTextTest, StatusHasTimingsSinceTheStartAndOfJustNow) {
  record(segment.block(0, 0), Timing::commit, 1000, 100);
  Sampler sampler;
  sampler.add(read(segment, kSteadyUs, kWallUs));
  add(segment.block(0, 0), Word::outcome_committed, 500);
  sampler.add(read(segment, kSteadyUs + 1'000'000, kWallUs + 1'000'000));
  const auto slot = status(sampler).at("slots").at(0).as_object();
  const auto& commit = slot.at("timings").at("commit").as_object();
  EXPECT_EQ(commit.at("count").to_number<int>(), 100);
  EXPECT_EQ(commit.at("sum_us").to_number<int>(), 100'000);
  for (const char* q : {"p50_us", "p90_us", "p99_us", "p999_us"})
    EXPECT_NEAR(commit.at(q).to_number<double>(), 1000, 250) << q;
  const auto& recent = slot.at("recent").as_object();
  EXPECT_EQ(recent.at("seconds").to_number<double>(), 1);
  EXPECT_EQ(recent.at("committed_per_second").to_number<double>(), 500);
  EXPECT_TRUE(recent.at("timings").at("commit").at("p50_us").is_null()) << "nothing just now";

  const auto history = json::parse(history_json(sampler)).as_object();
  EXPECT_EQ(history.at("interval_seconds").to_number<int>(), 1);
  ASSERT_EQ(history.at("samples").as_array().size(), 1u);
  const auto& sample = history.at("samples").at(0).as_object();
  EXPECT_EQ(sample.at("committed_per_second").to_number<double>(), 500);
  EXPECT_NEAR(sample.at("t").to_number<double>(), 1'792'137'613.5, 0.001);
  EXPECT_TRUE(sample.at("receive_to_ack_p50_us").is_null());
}

TEST_F(AdminTextTest, ASlotWithoutAProcessIsListedAsSuch) {
  clear_gauges(segment.block(0, 0));
  set(segment.block(0, 0), Word::state, static_cast<std::uint64_t>(ProcessState::held_back));
  const auto slot = status().at("slots").at(0).as_object();
  EXPECT_EQ(slot.at("state"), "held_back");
  EXPECT_EQ(slot.at("pid").to_number<int>(), 0);
  EXPECT_TRUE(slot.at("heartbeat_age_seconds").is_null());
  EXPECT_TRUE(slot.at("processes").as_array().empty());
  EXPECT_EQ(metrics().count("txindex_process_heartbeat_age_seconds{slot=\"0\"}"), 0u);
}

}  // namespace
}  // namespace txindex::admin
