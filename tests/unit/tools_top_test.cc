// What txindex top shows, as lines.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/expect.h"
#include "support/status_document.h"
#include "tools/top_view.h"

namespace txindex::tools {
namespace {

using test::set;
using test::status_document;

TopModel model_of(const boost::json::object& document) {
  TopModel model;
  model.address = "127.0.0.1:9464";
  model.status = parse_service_status(test::text_of(document)).value();
  for (int i = 0; i < 200; ++i)
    model.history.push_back(i);
  return model;
}

std::string text_of(const std::vector<TopLine>& lines) {
  std::string text;
  for (const auto& line : lines)
    text += line.text + "\n";
  return text;
}

bool is_ascii(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// Every figure as wide as it gets.
void make_wide(boost::json::object& document) {
  constexpr std::uint64_t kMost = 18'000'000'000'000'000'000U;
  const auto widen = [](boost::json::object& figures) {
    for (const char* group : {"counters", "gauges"}) {
      for (auto& word : figures[group].as_object())
        word.value() = kMost;
    }
    auto& recent = figures["recent"].as_object();
    for (auto& field : recent) {
      if (field.value().is_number()) field.value() = 1e18;
    }
    for (auto& timing : recent["timings"].as_object()) {
      for (auto& field : timing.value().as_object()) {
        if (field.key() != "count") field.value() = 1e15;
      }
    }
  };
  widen(document["totals"].as_object());
  for (auto& slot : document["slots"].as_array()) {
    widen(slot.as_object());
    slot.as_object()["pid"] = 4194303;
    slot.as_object()["restarts"] = kMost;
    slot.as_object()["state"] = "held_back";
  }
  set(document, "/uptime_seconds", 1e12);
  set(document, "/listen", "[fe80:1111:2222:3333:4444:5555:6666:7777%interface]:9400");
  set(document, "/version", boost::json::string(100, 'v'));
  set(document, "/roll/last", {{"outcome", "aborted"}, {"failure", boost::json::string(500, 'x')}});
}

TEST(Top, FitsAnyTerminalWithAnyNumberOfWorkers) {
  for (int workers = 1; workers <= 64; ++workers) {
    for (const bool wide : {false, true}) {
      for (const bool away : {false, true}) {
        auto document = status_document(workers);
        if (wide) make_wide(document);
        TopModel model = model_of(document);
        if (away) {
          model.trouble = std::string(300, 't');
          model.trouble_since = "12:34:56";
          model.trouble_seconds = 1e9;
        }
        for (const TopSize size : {TopSize{80, 24}, TopSize{20, 5}, TopSize{1, 1}, TopSize{200, 60},
                                   TopSize{80, 10}, TopSize{0, 0}}) {
          const auto lines = render_top(model, size, true);
          EXPECT_LE(lines.size(), static_cast<std::size_t>(std::max(size.rows, 1)));
          EXPECT_FALSE(lines.empty());
          for (const auto& line : lines) {
            EXPECT_LE(columns_of(line.text), static_cast<std::size_t>(std::max(size.columns, 1)))
                << line.text;
          }
        }
      }
    }
  }
}

TEST(Top, ShowsEveryWorkerWhereThereIsRoom) {
  const std::string small = text_of(render_top(model_of(status_document(13)), {80, 24}, true));
  for (int i = 0; i < 13; ++i)
    EXPECT_HAS(small, std::to_string(4712 + i)) << i;
  EXPECT_HAS(small, "\nadmin ready        4725");
  EXPECT_HAS_NOT(small, "more");
  const auto tall = render_top(model_of(status_document(64)), {80, 80}, true);
  EXPECT_HAS(text_of(tall), std::to_string(4712 + 63));
  EXPECT_HAS_NOT(text_of(tall), "more");
}

TEST(Top, WhoIsNotWellIsShownFirstAndTheRestIsCounted) {
  auto document = status_document(64);
  set(document, "/slots/60/state", "held_back");
  set(document, "/slots/61/state", "draining");
  set(document, "/slots/61/processes",
      boost::json::array{boost::json::object{}, boost::json::object{}});
  const auto lines = render_top(model_of(document), {80, 24}, true);
  const std::string text = text_of(lines);
  ASSERT_EQ(lines.size(), 24U);
  const auto head =
      std::ranges::find_if(lines, [](const auto& l) { return l.style == TopLine::head; });
  ASSERT_NE(head, lines.end());
  EXPECT_TRUE((head + 1)->text.starts_with("60    held_back    4772"));
  EXPECT_EQ((head + 1)->style, TopLine::alarm);
  EXPECT_TRUE((head + 2)->text.starts_with("61    draining+    4773"));
  EXPECT_TRUE((head + 3)->text.starts_with("0     ready        4712"));
  EXPECT_EQ((head + 3)->style, TopLine::plain);
  EXPECT_EQ(lines.back().text, "and 52 more: 52 ready");
}

TEST(Top, ARowHasTheFiguresOfItsWorker) {
  auto document = status_document(2);
  set(document, "/slots/1/gauges/connections_open", 17);
  set(document, "/slots/1/gauges/verify_queue", 33);
  set(document, "/slots/1/gauges/batch_queue", 12345);
  set(document, "/slots/1/restarts", 9);
  const std::string text = text_of(render_top(model_of(document), {80, 24}, true));
  EXPECT_HAS(
      text, "\n1     ready        4713    902    17    33 12.3k  25%  75% 5.00 ms 15.0 ms     9\n");
}

TEST(Top, TheSummaryTellsTotalsRestartsAndTheStore) {
  auto document = status_document(2);
  set(document, "/workers/ready", 1);
  set(document, "/roll/running", true);
  set(document, "/roll/slot", 2);
  set(document, "/slots/2/slot", 2);
  auto lines = render_top(model_of(document), {80, 24}, true);
  const std::string text = text_of(lines);
  for (const std::string part :
       {"txindexd 0.1.0  serving  up 1d 02:03:04  listen 127.0.0.1:9400",
        "workers 1/2  supervisor 4711  restart 3 runs: the admin process\n",
        "committed 1,000/s  received 1,101/s", "250 kB/s",
        "p50/p99: ack 5.00 ms/15.0 ms  verify 50 us/150 us  commit 500 us/1.50 ms",
        "store 20.0k rows, 12.3 MB, 3 partitions"}) {
    EXPECT_HAS(text, part) << "\nmissing: " << part;
  }
  EXPECT_EQ(lines[0].style, TopLine::title);
  EXPECT_EQ(lines[1].style, TopLine::alarm);
  set(document, "/state", "degraded");
  set(document, "/roll/running", false);
  set(document, "/roll/last", {{"outcome", "aborted"}, {"failure", "worker 0: na\u00efve"}});
  set(document, "/store", nullptr);
  lines = render_top(model_of(document), {80, 24}, true);
  EXPECT_EQ(lines[0].style, TopLine::alarm);
  EXPECT_EQ(lines[2], (TopLine{"aborted: worker 0: na??ve", TopLine::alarm}));
  EXPECT_HAS(text_of(lines), "store not measured yet");
}

TEST(Top, AServerThatIsAwayIsSaidAboveItsLastFigures) {
  TopModel model = model_of(status_document(2));
  model.trouble = "cannot reach the admin port: " + std::string(100, 'x') + " the end";
  model.trouble_since = "12:34:56";
  model.trouble_seconds = 75;
  const auto lines = render_top(model, {80, 24}, true);
  EXPECT_EQ(lines[0], (TopLine{"no answer since 12:34:56 (00:01:15); below is what was before",
                               TopLine::alarm}));
  EXPECT_EQ(lines[1].text + lines[2].text, model.trouble);
  EXPECT_EQ(lines[3].style, TopLine::alarm);  // it may not be serving
  EXPECT_HAS(text_of(lines), "4712");
  model.status.reset();
  EXPECT_EQ(render_top(model, {80, 24}, true).front().text, "no answer since 12:34:56 (00:01:15)");
  model.trouble.clear();
  EXPECT_EQ(render_top(model, {80, 24}, true).front().text, "asking 127.0.0.1:9464");
}

TEST(Top, WithoutUnicodeEverythingIsAscii) {
  TopModel model = model_of(status_document(3));
  for (const auto& line : render_top(model, {80, 24}, false))
    EXPECT_TRUE(is_ascii(line.text)) << line.text;
  EXPECT_FALSE(is_ascii(text_of(render_top(model, {80, 24}, true))));
}

TEST(Top, BarsAreAsTallAsTheirValues) {
  EXPECT_EQ(render_bars({0, 1, 8, 9, 16}, 5, true),
            (std::vector<std::string>{"   \u2581\u2588", " \u2581\u2588\u2588\u2588"}));
  EXPECT_EQ(render_bars({0, 1, 3, 6}, 4, false), (std::vector<std::string>{"   #", " .##"}));
  // Only the latest count, also for the scale; nothing at all is flat; a little is seen.
  EXPECT_EQ(render_bars({1000, 1, 2}, 2, false), (std::vector<std::string>{" #", "##"}));
  EXPECT_EQ(render_bars({0, 0}, 9, true), (std::vector<std::string>{"  ", "  "}));
  EXPECT_EQ(render_bars({1, 1e9}, 2, false), (std::vector<std::string>{" #", ".#"}));
  EXPECT_EQ(render_bars({}, 5, true), (std::vector<std::string>{"", ""}));
}

}  // namespace
}  // namespace txindex::tools
