// What the tools read from the admin port, and what `txindex status` says of it.
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <optional>

#include "support/expect.h"
#include "support/fake_admin.h"
#include "support/status_document.h"
#include "tools/admin_client.h"
#include "tools/figures_text.h"
#include "tools/status.h"

namespace txindex::tools {
namespace {

using test::FakeAdmin;
using test::set;
using test::status_document;
using test::text_of;
using namespace std::chrono_literals;

ServiceStatus parsed(const boost::json::object& document) {
  return parse_service_status(text_of(document)).value();
}

TEST(ServiceStatus, EveryFieldIsReadFromItsPlace) {
  auto document = status_document(2);
  set(document, "/roll",
      {{"running", true},
       {"queued", true},
       {"slot", 1},
       {"started", 5},
       {"ended", 4},
       {"aborted", 2},
       {"last", {{"outcome", "aborted"}, {"failure", "worker 0: no"}}}});
  set(document, "/reexecs", 7);
  set(document, "/workers/ready", 1);
  set(document, "/slots/1/processes",
      boost::json::array{boost::json::object{}, boost::json::object{}});
  const ServiceStatus s = parsed(document);
  EXPECT_EQ(s.version, "0.1.0");
  EXPECT_EQ(s.state, "serving");
  EXPECT_EQ(s.pid, 4711U);
  EXPECT_EQ(s.started_at, "2026-11-21T08:00:00Z");
  EXPECT_EQ(s.uptime_seconds, 93784.5);
  EXPECT_EQ(s.reexecs, 7U);
  EXPECT_EQ(s.listen, "127.0.0.1:9400");
  EXPECT_EQ(s.admin, "127.0.0.1:9464");
  EXPECT_EQ(s.workers_wanted, 2U);
  EXPECT_EQ(s.workers_ready, 1U);
  EXPECT_TRUE(s.roll.running);
  EXPECT_TRUE(s.roll.queued);
  EXPECT_EQ(s.roll.slot, 1U);
  EXPECT_EQ(s.roll.started, 5U);
  EXPECT_EQ(s.roll.ended, 4U);
  EXPECT_EQ(s.roll.aborted, 2U);
  EXPECT_EQ(s.roll.last_outcome, "aborted");
  EXPECT_EQ(s.roll.last_failure, "worker 0: no");
  EXPECT_EQ(s.store->partitions, 3U);
  EXPECT_EQ(s.store->rows, 20002U);
  EXPECT_EQ(s.store->bytes, 12345678U);
  ASSERT_EQ(s.slots.size(), 3U);
  EXPECT_FALSE(s.slots[1].is_admin);
  EXPECT_TRUE(s.slots[2].is_admin);
  EXPECT_EQ(s.slots[1].slot, 1U);
  EXPECT_EQ(s.slots[1].state, "ready");
  EXPECT_EQ(s.slots[1].pid, 4713U);
  EXPECT_EQ(s.slots[1].generation, 2U);
  EXPECT_EQ(s.slots[1].restarts, 1U);
  EXPECT_EQ(s.slots[1].heartbeat_age_seconds, 0.05);
  EXPECT_EQ(s.slots[0].processes, 1U);
  EXPECT_EQ(s.slots[1].processes, 2U);
  const auto& counters = document["slots"].as_array()[1].as_object()["counters"].as_object();
  const Figures& f = s.slots[1].figures;
  EXPECT_EQ(f.counter("received"), counters.at("received").to_number<std::uint64_t>());
  EXPECT_EQ(f.rejected(),
            counters.at("outcome_malformed").to_number<std::uint64_t>() +
                counters.at("outcome_bad_signature").to_number<std::uint64_t>() +
                counters.at("outcome_unsupported").to_number<std::uint64_t>() +
                counters.at("outcome_too_large").to_number<std::uint64_t>() +
                counters.at("outcome_refused_by_database").to_number<std::uint64_t>() +
                counters.at("outcome_time_out_of_range").to_number<std::uint64_t>());
  EXPECT_GT(f.gauge("verify_queue"), 0U);
  EXPECT_EQ(f.recent.received_per_second, 1002.5);
  EXPECT_EQ(f.recent.committed_per_second, 902.25);
  EXPECT_EQ(f.recent.bytes_per_second, 250000);
  EXPECT_EQ(f.recent.loop_utilisation, 0.25);
  EXPECT_EQ(f.recent.verify_utilisation, 0.75);
  EXPECT_EQ(f.recent_timing("receive_to_ack").p50_us, 5000);
  EXPECT_EQ(f.recent_timing("receive_to_ack").p99_us, 15000);
  EXPECT_EQ(f.timings.at("verify").p999_us, 80);
}

TEST(ServiceStatus, WhatIsNotThereYetIsNothing) {
  auto document = status_document(1);
  set(document, "/store", nullptr);
  set(document, "/slots/0/heartbeat_age_seconds", nullptr);
  set(document, "/slots/0/pid", nullptr);
  set(document, "/slots/0/processes", boost::json::array{});
  set(document, "/totals/recent/timings/verify",
      {{"count", 0},
       {"sum_us", 0},
       {"p50_us", nullptr},
       {"p90_us", nullptr},
       {"p99_us", nullptr},
       {"p999_us", nullptr}});
  const ServiceStatus s = parsed(document);
  EXPECT_FALSE(s.store);
  EXPECT_FALSE(s.slots[0].heartbeat_age_seconds);
  EXPECT_EQ(s.slots[0].pid, 0U);
  EXPECT_FALSE(s.totals.recent_timing("verify").p50_us);
  EXPECT_FALSE(s.totals.recent_timing("no such").p50_us);
}

TEST(ServiceStatus, AFieldThatIsMissingOrWrongIsNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {"/roll/started", "'roll.started' is not a whole number"},
      {"/slots/1/counters", "'slots[1].counters' is not an object"},
      {"/totals/recent/bytes_per_second", "'totals.recent.bytes_per_second' is not a number"},
      {"/state", "'state' is not a string"},
      {"/roll/running", "'roll.running' is not true or false"},
      {"/slots", "'slots' is not an array"}};
  for (const auto& [pointer, message] : cases) {
    auto document = status_document(2);
    set(document, pointer,
        boost::json::value(pointer == "/state" ? boost::json::value(-1) : boost::json::value("x")));
    const auto got = parse_service_status(text_of(document));
    ASSERT_FALSE(got) << pointer;
    EXPECT_HAS(got.error().message, message);
  }
  auto negative = status_document(1);
  set(negative, "/pid", -5);
  EXPECT_FALSE(parse_service_status(text_of(negative)));
  EXPECT_FALSE(parse_service_status("{\"version\": "));
  EXPECT_FALSE(parse_service_status("[]"));
  auto newer = status_document(1);
  newer["something_new"] = 1;
  EXPECT_TRUE(parse_service_status(text_of(newer)));
}

TEST(ServiceStatus, WhatItSaysCannotSteerATerminal) {
  auto document = status_document(1);
  set(document, "/roll/last/failure", "a\x1b[2J\nb");
  EXPECT_EQ(parsed(document).roll.last_failure, "a [2J b");
}

TEST(Status, TellsWhatAnOperatorAsks) {
  auto document = status_document(2);
  set(document, "/state", "degraded");
  set(document, "/workers/ready", 1);
  set(document, "/roll/last", {{"outcome", "aborted"}, {"failure", "worker 0: no such database"}});
  set(document, "/totals/counters/outcome_bad_signature", 17);
  const std::string text = describe(parsed(document));
  for (const std::string part :
       {"txindexd 0.1.0: degraded", "1d 02:03:04 since 2026-11-21T08:00:00Z", "supervisor 4711",
        "1 of 2 ready", "number 3 was aborted: worker 0: no such database", "3 partitions",
        "20,002 transactions", "12.3 MB", "bad_signature 17", "receive to ack  5.00 ms", "4712",
        "75%", "50.0 ms ago", "admin  ready"}) {
    EXPECT_HAS(text, part) << "\nmissing: " << part;
  }
}

TEST(Status, WithoutTrafficTheTimesSinceTheStartAreShown) {
  auto document = status_document(1);
  set(document, "/totals/recent/timings", boost::json::object{});
  const std::string text = describe(parsed(document));
  EXPECT_HAS(text, "all since the start");
  EXPECT_HAS_NOT(text, "the last second\n");
}

// What the command wrote to standard output, and its exit status (or that of its failure).
struct Said {
  int status;
  std::string output;
  std::string error;
};
Said run_status(const Endpoint& admin, bool json = false) {
  testing::internal::CaptureStdout();
  const auto done = status({admin, json});
  std::string output = testing::internal::GetCapturedStdout();
  if (!done) return {done.error().exit_status, output, done.error().message};
  return {*done, output, ""};
}

TEST(Status, TheExitStatusSaysWhetherItServes) {
  auto document = status_document(1);
  FakeAdmin admin([&](const std::string&) { return FakeAdmin::ok(text_of(document)); });
  EXPECT_EQ(run_status(admin.endpoint()).status, 0);
  for (const char* state : {"starting", "degraded", "draining"}) {
    set(document, "/state", state);
    EXPECT_EQ(run_status(admin.endpoint()).status, 3) << state;
  }
  set(document, "/state", "serving");
  EXPECT_EQ(run_status(admin.endpoint()).status, 0);
  set(document, "/workers/ready", 0);
  EXPECT_EQ(run_status(admin.endpoint()).status, 3) << "its worker is not ready";
}

TEST(Status, JsonIsPassedOnAsItCame) {
  const std::string body = text_of(status_document(1)) + "   ";
  FakeAdmin admin([&](const std::string& target) {
    return target == "/status" ? std::optional(FakeAdmin::ok(body)) : std::nullopt;
  });
  const Said said = run_status(admin.endpoint(), true);
  EXPECT_EQ(said.output, body + "\n");
  EXPECT_EQ(said.status, 0);
}

TEST(Status, EveryFailureNamesTheAddress) {
  std::mutex mutex;
  std::optional<std::string> answer;  // guarded by mutex
  std::optional<FakeAdmin> admin;
  admin.emplace([&](const std::string&) {
    const std::lock_guard lock(mutex);
    return answer;
  });
  const auto will_answer = [&](std::string text) {
    const std::lock_guard lock(mutex);
    answer = std::move(text);
  };
  const Endpoint at = admin->endpoint();
  const auto expect = [&](const std::string& message) {
    const Said said = run_status(at);
    EXPECT_EQ(said.status, 1);
    EXPECT_EQ(said.output, "");
    EXPECT_HAS(said.error, to_string(at));
    EXPECT_HAS(said.error, message);
  };
  expect("does not answer as HTTP does");
  will_answer("SSH-2.0-OpenSSH\r\n\r\n");
  expect("does not answer as HTTP does");
  will_answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  expect("status 404");
  will_answer(FakeAdmin::ok("{}"));
  expect("'version' is not a string");
  admin.reset();
  expect("Connection refused");
}

TEST(AdminClient, AServerThatSaysNothingIsLeftAtTheDeadline) {
  std::promise<void> over;
  FakeAdmin admin([&](const std::string&) -> std::optional<std::string> {
    over.get_future().wait();
    return std::nullopt;
  });
  const auto got = admin_get(admin.endpoint(), "/status", 100ms);
  over.set_value();
  ASSERT_FALSE(got);
  EXPECT_HAS(got.error().message, "no answer from the admin port at");
  EXPECT_HAS(got.error().message, "100 ms");
}

TEST(FiguresText, KeepsToFewColumns) {
  EXPECT_EQ(short_count(0), "0");
  EXPECT_EQ(short_count(0.25), "0.2");
  EXPECT_EQ(short_count(9.94), "9.9");
  EXPECT_EQ(short_count(9.96), "10");
  EXPECT_EQ(short_count(9999.4), "9,999");
  EXPECT_EQ(short_count(9999.6), "10.0k");
  EXPECT_EQ(short_count(99960), "100k");
  EXPECT_EQ(short_count(999'600), "1.00M");
  EXPECT_EQ(byte_count(999), "999 B");
  EXPECT_EQ(byte_count(999.6), "1.00 kB");
  EXPECT_EQ(byte_count(12345678), "12.3 MB");
  EXPECT_EQ(duration(std::nullopt), "-");
  EXPECT_EQ(duration(999.4), "999 us");
  EXPECT_EQ(duration(999.6), "1.00 ms");
  EXPECT_EQ(duration(999'400), "999 ms");
  EXPECT_EQ(duration(999'600), "1.00 s");
  EXPECT_EQ(uptime(0), "00:00:00");
  EXPECT_EQ(uptime(86399.9), "23:59:59");
  EXPECT_EQ(uptime(93784), "1d 02:03:04");
  EXPECT_EQ(percent(0.5), "50%");
  for (double n = 0.001; n < 1e19; n *= 1.013) {
    EXPECT_LE(short_count(n).size(), 5U) << n;
    EXPECT_LE(duration(n).size(), 7U) << n;
  }
}

}  // namespace
}  // namespace txindex::tools
