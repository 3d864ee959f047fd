// Durations and sizes as people write them.
#include <gtest/gtest.h>

#include "config/units.h"

namespace txindex::config {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(UnitsTest, DurationsAreReadInEveryUnit) {
  EXPECT_EQ(parse_duration("30"), seconds(30));
  EXPECT_EQ(parse_duration("0"), seconds(0));
  EXPECT_EQ(parse_duration("7us"), microseconds(7));
  EXPECT_EQ(parse_duration("2ms"), milliseconds(2));
  EXPECT_EQ(parse_duration("2 s"), seconds(2));
  EXPECT_EQ(parse_duration("10min"), minutes(10));
  EXPECT_EQ(parse_duration("1H"), hours(1));
  EXPECT_EQ(parse_duration("30d"), hours(720));
  EXPECT_EQ(parse_duration("0.1"), milliseconds(100));
  EXPECT_EQ(parse_duration("1.5h"), minutes(90));
  EXPECT_EQ(parse_duration("1.000000"), seconds(1));
}

TEST(UnitsTest, DurationsThatAreNoneAreRefused) {
  for (const char* text :
       {"", " ", "s", "-1", "+1", "1 m", "1x", "1.", ".5", "1.5.5", "1e3", "0x10", "0.5us",
        "9223372036854775808us", "99999999999999999999", "1h30min", "106751992d", " 5"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(UnitsTest, SizesAreReadInEveryUnit) {
  EXPECT_EQ(parse_size("1"), 1u);
  EXPECT_EQ(parse_size("4MiB"), 4u << 20);
  EXPECT_EQ(parse_size("4 mib"), 4u << 20);
  EXPECT_EQ(parse_size("1.5KiB"), 1536u);
  EXPECT_EQ(parse_size("1KB"), 1000u);
  EXPECT_EQ(parse_size("16GiB"), 16ull << 30);
  EXPECT_EQ(parse_size("0.3B"), std::nullopt);
  EXPECT_EQ(parse_size("4M"), std::nullopt);
  EXPECT_EQ(parse_size("18446744073709551616"), std::nullopt);
  EXPECT_EQ(parse_size("99999999999GiB"), std::nullopt);
}

TEST(UnitsTest, WhatIsWrittenReadsBack) {
  for (const std::uint64_t value :
       {0ull, 1ull, 999ull, 1000ull, 1024ull, 1'000'000ull, 60'000'000ull, 90'000'000ull,
        3'600'000'000ull, 86'400'000'000ull, 1ull << 20, 3ull << 29, 123'456'789ull}) {
    const microseconds duration(value);
    EXPECT_EQ(parse_duration(format_duration(duration)), duration) << value;
    EXPECT_EQ(parse_size(format_size(value)), value) << value;
  }
  EXPECT_EQ(format_duration(hours(1)), "1h");
  EXPECT_EQ(format_duration(seconds(0)), "0s");
  EXPECT_EQ(format_size(4 << 20), "4MiB");
}

}  // namespace
}  // namespace txindex::config
