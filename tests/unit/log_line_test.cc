// How an event becomes a line, whatever bytes it is made of.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <random>

#include "log/line.h"

namespace txindex::log {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

Line line_of(std::string_view message, std::span<const Field> fields = {}) {
  Line line;
  line.time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1795255200123));
  line.level = Level::warning;
  line.process = "worker 0";
  line.pid = 4711;
  line.message = message;
  line.fields = fields;
  return line;
}

class LogLineTest : public testing::Test {
 protected:
  // The time is written in local time.
  LogLineTest() {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  ~LogLineTest() override {
    unsetenv("TZ");
    tzset();
  }
};

TEST_F(LogLineTest, TextIsTimeLevelProcessMessageAndFields) {
  const Field fields[] = {{"peer", "192.0.2.1:5"}, {"count", -3}, {"share", 0.5}};
  EXPECT_EQ(format_line(line_of("connection failed", fields), Format::text, false),
            "2026-11-21T10:00:00.123+00:00 warning [worker 0 4711] connection failed"
            " peer=192.0.2.1:5 count=-3 share=0.5\n");
}

TEST_F(LogLineTest, JsonIsOneObjectOfTheSame) {
  const Field fields[] = {{"peer", "192.0.2.1:5"}, {"count", 18446744073709551615ULL}};
  EXPECT_EQ(format_line(line_of("connection failed", fields), Format::json, false),
            "{\"time\":\"2026-11-21T10:00:00.123+00:00\",\"level\":\"warning\","
            "\"process\":\"worker 0\",\"pid\":4711,\"message\":\"connection failed\","
            "\"peer\":\"192.0.2.1:5\",\"count\":18446744073709551615}\n");
}

TEST_F(LogLineTest, TimesEastAndWestOfGreenwichSayHowFar) {
  setenv("TZ", "XXX-5:45", 1);
  tzset();
  EXPECT_TRUE(
      format_line(line_of(""), Format::text, false).starts_with("2026-11-21T15:45:00.123+05:45 "));
  setenv("TZ", "XXX+3:30", 1);
  tzset();
  EXPECT_TRUE(
      format_line(line_of(""), Format::text, false).starts_with("2026-11-21T06:30:00.123-03:30 "));
}

TEST_F(LogLineTest, ForTheJournalThePriorityComesFirstAndTheTimeIsLeftOut) {
  EXPECT_EQ(format_line(line_of("x"), Format::text, true), "<4>warning [worker 0 4711] x\n");
  EXPECT_TRUE(format_line(line_of("x"), Format::json, true).starts_with("<4>{\"level\":"));
  const std::pair<Level, std::string> priorities[] = {{Level::trace, "<7>"},
                                                      {Level::debug, "<7>"},
                                                      {Level::info, "<6>"},
                                                      {Level::error, "<3>"},
                                                      {Level::critical, "<2>"}};
  for (const auto& [level, priority] : priorities) {
    Line line = line_of("x");
    line.level = level;
    EXPECT_TRUE(format_line(line, Format::text, true).starts_with(priority)) << priority;
  }
}

TEST(LogEscape, TextShowsWhatATerminalWouldObey) {
  EXPECT_EQ(escaped_text("\x1b[2J a\nb\r\t\x7f\0"sv), "\\x1b[2J a\\nb\\x0d\\x09\\x7f\\x00");
  // C1 controls as UTF-8, line separators, and what turns the direction of writing.
  EXPECT_EQ(escaped_text("\u009b \u2028 \u202e \u2066"), "\\u{9b} \\u{2028} \\u{202e} \\u{2066}");
  EXPECT_EQ(escaped_text("caf\u00e9 \u4e2d \U0001f980"), "caf\u00e9 \u4e2d \U0001f980");
}

TEST(LogEscape, BytesThatAreNoUtf8AreShownOneByOne) {
  // A lone continuation, an overlong slash, a surrogate, above the last code point, cut short.
  EXPECT_EQ(escaped_text("\x80|\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe4\xb8"),
            "\\x80|\\xc0\\xaf|\\xed\\xa0\\x80|\\xf4\\x90\\x80\\x80|\\xe4\\xb8");
  EXPECT_EQ(json_string("a\xff\xc0\xaf"), "\"a\ufffd\ufffd\ufffd\"");
}

TEST(LogEscape, AValueIsInQuotationMarksUnlessItIsOnePlainWord) {
  EXPECT_EQ(escaped_value("[::1]:9400"), "[::1]:9400");
  EXPECT_EQ(escaped_value(""), "\"\"");
  EXPECT_EQ(escaped_value("a b"), "\"a b\"");
  EXPECT_EQ(escaped_value("x peer=\"y\"\n\\"), "\"x peer=\\\"y\\\"\\n\\\\\"");
  EXPECT_EQ(escaped_value("k=v"), "\"k=v\"");
}

TEST(LogEscape, WhatIsTooLongEndsInAnEllipsisAtAWholeCharacter) {
  EXPECT_EQ(escaped_text("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(escaped_text("abcdefghi", 8), "abcde\u2026");
  EXPECT_EQ(escaped_text("abcd\u4e2d\u4e2d", 8), "abcd\u2026");
  EXPECT_EQ(escaped_text("abcd\n\n\n", 8), "abcd\u2026");
  EXPECT_EQ(json_string(std::string(100, 'x'), 10), "\"xxxxx\u2026\"");
}

// A line is always what its format promises, whatever it is made of.
class LogBytesTest : public testing::Test {
 protected:
  std::string any_bytes() {
    static const std::vector<std::string> kNasty = {
        "\n",     "\x1b]0;x\x07", "\"", "\\",         "\u2028", "\xed\xa0\x80", "\xff", "\0"s,
        "\u009b", "<3>",          "}",  "\U0001f980", "=",      "\xf0\x9f"};
    std::string bytes;
    const auto pieces = random() % 40;
    for (unsigned i = 0; i < pieces; ++i) {
      if (random() % 2 == 0) {
        bytes += kNasty[random() % kNasty.size()];
      } else {
        bytes += static_cast<char>(random());
      }
    }
    return bytes;
  }

  static void expect_harmless(const std::string& line) {
    ASSERT_FALSE(line.empty());
    ASSERT_LE(line.size(), kLineMaxBytes);
    ASSERT_EQ(line.find('\n'), line.size() - 1);
    for (const char c : line.substr(0, line.size() - 1)) {
      ASSERT_TRUE(static_cast<unsigned char>(c) >= ' ' && c != 0x7f) << line;
    }
    // Valid UTF-8 as a parser that is not ours sees it.
    boost::json::string quoted;
    ASSERT_NO_THROW(boost::json::parse(json_string(line, 3 * kLineMaxBytes)));
    ASSERT_EQ(line.find("\u009b"), std::string::npos);
    ASSERT_EQ(line.find("\u2028"), std::string::npos);
  }

  const std::uint32_t seed = std::random_device()();
  std::mt19937 random{seed};
  testing::ScopedTrace trace{__FILE__, __LINE__, "seed " + std::to_string(seed)};
};

TEST_F(LogBytesTest, OfAnyKindMakeOneHarmlessLine) {
  for (int i = 0; i < 3000; ++i) {
    const std::string message = any_bytes();
    const std::string value = any_bytes();
    const Field fields[] = {{"reason", value}};
    Line line = line_of(message, fields);
    line.process = value;
    for (const bool journal : {false, true}) {
      expect_harmless(format_line(line, Format::text, journal));
      const std::string json = format_line(line, Format::json, journal);
      expect_harmless(json);
      boost::json::error_code problem;
      const auto parsed = boost::json::parse(json.substr(journal ? 3 : 0), problem);
      ASSERT_FALSE(problem) << json;
      ASSERT_EQ(parsed.as_object().size(), journal ? 5U : 6U) << json;
    }
  }
}

TEST_F(LogBytesTest, ThatAreUtf8ComeBackFromJsonUnchanged) {
  const std::string text = "\x1b[0m \"q\" \\ \n\t\u009b \u2028 caf\u00e9 \U0001f980 \x7f";
  EXPECT_EQ(boost::json::parse(json_string(text)).as_string(), text);
}

TEST_F(LogBytesTest, HoweverManyNeverMakeALineTooLongForOneWrite) {
  const std::string huge(100'000, '\x01');
  std::vector<Field> fields;
  for (int i = 0; i < 30; ++i)
    fields.emplace_back("field", huge);
  for (const Format format : {Format::text, Format::json}) {
    expect_harmless(format_line(line_of(huge, fields), format, false));
  }
  const std::string json = format_line(line_of(huge, fields), Format::json, false);
  EXPECT_NO_THROW(boost::json::parse(json));
  EXPECT_NE(json.find("\"field\""), std::string::npos);
}

}  // namespace
}  // namespace txindex::log
