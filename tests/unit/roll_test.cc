// The rolling restart as a policy, without a process.
#include "process/roll.h"

#include <gtest/gtest.h>

namespace txindex::process {
namespace {

using std::chrono::seconds;
using Do = Roll::Do;

class RollPolicyTest : public ::testing::Test {
 protected:
  // Slot `expected` gets a replacement that is ready at once, and the old one ends.
  void renew(int expected) {
    EXPECT_EQ(roll.next(now), Do::start);
    EXPECT_EQ(roll.slot(), expected);
    roll.started(now);
    EXPECT_EQ(roll.next(now), Do::nothing);
    roll.ready(now);
    if (roll.next(now) == Do::nothing) now = *roll.next_due();
    EXPECT_EQ(roll.next(now), Do::hand_over);
    roll.handed_over();
    EXPECT_EQ(roll.next(now), Do::nothing) << "the old one finishes first";
    roll.ended();
  }

  Roll::Time now{seconds(1000)};
  Roll roll{{0, 2, 256}, {.ready_timeout = seconds(60), .settle = seconds(5)}};
};

TEST_F(RollPolicyTest, EverySlotIsRenewedOneAfterTheOther) {
  renew(0);
  renew(2);
  renew(256);
  EXPECT_EQ(roll.next(now), Do::finish);
  EXPECT_EQ(roll.failure(), "");
}

TEST_F(RollPolicyTest, TheFirstReplacementMustLiveForAWhileAndTheOthersNeedNot) {
  roll.next(now);
  roll.started(now);
  roll.ready(now);
  EXPECT_EQ(roll.next(now), Do::nothing);
  EXPECT_EQ(roll.next_due(), now + seconds(5));
  EXPECT_EQ(roll.next(now + seconds(5) - std::chrono::nanoseconds(1)), Do::nothing);
  now += seconds(5);
  EXPECT_EQ(roll.next(now), Do::hand_over);
  roll.handed_over();
  roll.ended();
  roll.started(now);
  roll.ready(now);
  EXPECT_EQ(roll.next(now), Do::hand_over);
}

TEST_F(RollPolicyTest, AReplacementThatIsNotReadyInTimeAbortsIt) {
  roll.next(now);
  roll.started(now);
  EXPECT_EQ(roll.next_due(), now + seconds(60));
  EXPECT_EQ(roll.next(now + seconds(59)), Do::nothing);
  EXPECT_EQ(roll.next(now + seconds(60)), Do::abort);
  EXPECT_EQ(roll.failure(), "not ready within 60 s");
  EXPECT_EQ(roll.slot(), 0);
}

TEST_F(RollPolicyTest, AFailureAtAnyTimeBeforeTheHandOverAbortsIt) {
  roll.failed("no memory");
  EXPECT_EQ(roll.next(now), Do::abort);

  Roll starting({1}, {seconds(60), seconds(5)});
  starting.started(now);
  starting.failed("wrong configuration");
  EXPECT_EQ(starting.next(now), Do::abort);
  EXPECT_EQ(starting.failure(), "wrong configuration");
  starting.failed("and it is gone");
  EXPECT_EQ(starting.failure(), "wrong configuration") << "the first reason is the one";

  Roll settling({1}, {seconds(60), seconds(5)});
  settling.started(now);
  settling.ready(now);
  settling.failed("died");
  EXPECT_EQ(settling.next(now + seconds(100)), Do::abort);
}

TEST_F(RollPolicyTest, ADeathAfterTheHandOverAbortsItAsLongAsItRuns) {
  renew(0);
  roll.next(now);
  roll.started(now);
  EXPECT_EQ(roll.slot(), 2);
  roll.failed("died", 0);
  EXPECT_EQ(roll.next(now), Do::abort);
  EXPECT_EQ(roll.failed_slot(), 0);

  Roll over({1}, {seconds(60), seconds(0)});
  over.started(now);
  over.ready(now);
  EXPECT_EQ(over.next(now), Do::hand_over);
  over.handed_over();
  over.ended();
  EXPECT_EQ(over.next(now), Do::finish);
  over.failed("late", 1);
  EXPECT_EQ(over.next(now), Do::finish);
}

TEST_F(RollPolicyTest, AnswersThatComeAtTheWrongTimeChangeNothing) {
  roll.ready(now);
  EXPECT_EQ(roll.next(now), Do::start);
  roll.ended();
  EXPECT_EQ(roll.slot(), 0);
  EXPECT_FALSE(roll.next_due());
}

}  // namespace
}  // namespace txindex::process
