#include "net/deadlines.h"

#include <gtest/gtest.h>

#include "net/address_counts.h"

namespace txindex::net {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

class DeadlineTest : public testing::Test {
 protected:
  // Looks each second for so long; the seconds after which it was over, or -1.
  int over_after(int seconds, Owed owed, std::uint64_t progress = 0) {
    for (int s = 1; s <= seconds; ++s) {
      now_ += kSecond;
      if (deadline_.look(owed, progress, now_, limits_)) return s;
    }
    return -1;
  }

  DeadlineLimits limits_{
      .hello_us = 10 * kSecond, .frame_us = 30 * kSecond, .idle_us = 0, .answers_us = 5 * kSecond};
  Deadline deadline_;
  std::int64_t now_ = 1'000'000'000'000;
};

TEST_F(DeadlineTest, EachDebtHasItsOwnTimeFromTheFirstLookAtIt) {
  EXPECT_EQ(over_after(100, Owed::hello), 11);
  EXPECT_EQ(over_after(100, Owed::frame), 31);
  EXPECT_EQ(over_after(100, Owed::answers), 6);
  EXPECT_EQ(over_after(10'000, Owed::nothing), -1);
}

TEST_F(DeadlineTest, ALimitOfZeroIsNone) {
  EXPECT_EQ(over_after(100'000, Owed::word), -1);
  limits_.idle_us = kSecond;
  EXPECT_EQ(over_after(1, Owed::word), 1);
}

TEST_F(DeadlineTest, ProgressBeginsTheTimeAnew) {
  for (std::uint64_t frame = 0; frame < 10; ++frame)
    EXPECT_EQ(over_after(29, Owed::frame, frame), -1);
  EXPECT_EQ(over_after(100, Owed::frame, 10), 31);
}

TEST_F(DeadlineTest, TimeInWhichNothingIsOwedDoesNotCountAndTheRestBeginsAnew) {
  EXPECT_EQ(over_after(30, Owed::frame), -1);
  EXPECT_EQ(over_after(3600, Owed::nothing), -1);  // not read
  EXPECT_EQ(over_after(30, Owed::frame), -1);
  EXPECT_EQ(over_after(1, Owed::frame), 1);
}

TEST_F(DeadlineTest, AProcessThatStoodStillChargesItsPeersOneStepOnly) {
  EXPECT_EQ(over_after(1, Owed::hello), -1);
  now_ += 3600 * kSecond;
  EXPECT_FALSE(deadline_.look(Owed::hello, 0, now_, limits_));
  EXPECT_EQ(over_after(7, Owed::hello), -1);
  EXPECT_EQ(over_after(1, Owed::hello), 1);
}

TEST_F(DeadlineTest, LookingAgainAtTheSameTimeChangesNothing) {
  EXPECT_EQ(over_after(100, Owed::hello), 11);
  EXPECT_TRUE(deadline_.look(Owed::hello, 0, now_, limits_));
  EXPECT_FALSE(deadline_.look(Owed::hello, 1, now_, limits_)) << "it has come meanwhile";
}

AddressCounts::Key key(const char* address) {
  return AddressCounts::key_of(boost::asio::ip::make_address(address));
}

TEST(AddressCountsTest, AnAddressHasItsMostAndGetsItBack) {
  AddressCounts counts;
  EXPECT_TRUE(counts.add(key("192.0.2.1"), 2));
  EXPECT_TRUE(counts.add(key("192.0.2.1"), 2));
  EXPECT_FALSE(counts.add(key("192.0.2.1"), 2));
  EXPECT_TRUE(counts.add(key("192.0.2.2"), 2));
  counts.remove(key("192.0.2.1"));
  EXPECT_TRUE(counts.add(key("192.0.2.1"), 2));
  EXPECT_FALSE(counts.add(key("192.0.2.1"), 2));
}

TEST(AddressCountsTest, NothingIsKeptOfWhoIsGone) {
  AddressCounts counts;
  for (int i = 0; i < 256; ++i)
    EXPECT_TRUE(counts.add(key(("192.0.2." + std::to_string(i)).c_str()), 1));
  EXPECT_EQ(counts.addresses(), 256U);
  for (int i = 0; i < 256; ++i)
    counts.remove(key(("192.0.2." + std::to_string(i)).c_str()));
  EXPECT_EQ(counts.addresses(), 0U);
}

TEST(AddressCountsTest, ANetworkOfIPv6IsOneAddressAndMappedOnesAreIPv4) {
  EXPECT_EQ(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  EXPECT_NE(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
  EXPECT_EQ(key("::ffff:192.0.2.1"), key("192.0.2.1"));
  EXPECT_NE(key("::ffff:192.0.2.1"), key("192.0.2.2"));
  EXPECT_NE(key("::1"), key("0.0.0.0"));
}

}  // namespace
}  // namespace txindex::net
