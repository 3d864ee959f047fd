// Whether an event loop turns, and who serves the queues of those that do not.
#include "process/watchdog.h"

#include <gtest/gtest.h>

#include "process/queue_table.h"

namespace txindex::process {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Verdict = Watchdog::Verdict;

class WatchdogTest : public ::testing::Test {
 protected:
  // Looks twice a second until `duration` has passed, with a heartbeat that stands still.
  Verdict stand_still(Watchdog::Duration duration) {
    const auto until = now + duration;
    auto verdict = watchdog.verdict();
    while (now < until) {
      now += Watchdog::kInterval;
      verdict = watchdog.look(heartbeat, now);
    }
    return verdict;
  }

  Watchdog::Time now{seconds(1000)};
  Watchdog watchdog{now};
  std::uint64_t heartbeat = 0;
};

TEST_F(WatchdogTest, AHeartbeatThatStandsStillIsSilentThenAbortedThenKilled) {
  heartbeat = 1;
  EXPECT_EQ(watchdog.look(heartbeat, now), Verdict::alive);
  EXPECT_EQ(stand_still(milliseconds(2500)), Verdict::alive);
  EXPECT_EQ(stand_still(milliseconds(500)), Verdict::silent);
  EXPECT_EQ(stand_still(milliseconds(6500)), Verdict::silent);
  EXPECT_EQ(stand_still(milliseconds(500)), Verdict::abort);
  EXPECT_EQ(stand_still(milliseconds(1500)), Verdict::abort);
  EXPECT_EQ(stand_still(milliseconds(500)), Verdict::kill);
}

TEST_F(WatchdogTest, AProcessThatNeverHasAHeartbeatCountsFromItsStart) {
  EXPECT_EQ(stand_still(milliseconds(2500)), Verdict::alive);
  EXPECT_EQ(stand_still(milliseconds(500)), Verdict::silent);
}

TEST_F(WatchdogTest, AHeartbeatThatMovesAgainIsAlive) {
  EXPECT_EQ(stand_still(seconds(8)), Verdict::silent);
  ++heartbeat;
  EXPECT_EQ(watchdog.look(heartbeat, now), Verdict::alive);
  EXPECT_EQ(stand_still(milliseconds(2500)), Verdict::alive);
}

TEST_F(WatchdogTest, TimeInWhichNobodyLookedDoesNotCount) {
  EXPECT_EQ(stand_still(seconds(1)), Verdict::alive);
  now += seconds(3600);
  EXPECT_EQ(watchdog.look(heartbeat, now), Verdict::alive);
  EXPECT_EQ(stand_still(milliseconds(1500)), Verdict::alive) << "one second counted before";
  EXPECT_EQ(stand_still(milliseconds(500)), Verdict::silent);
}

// --- The queues --------------------------------------------------------------------------------

using Changes = std::vector<std::tuple<pid_t, int, bool>>;
Changes changes(QueueTable& table, const std::vector<int>& orphans,
                const std::vector<pid_t>& serving) {
  Changes out;
  for (const auto& c : table.update(orphans, serving))
    out.emplace_back(c.worker, c.queue, c.adopt);
  return out;
}

TEST(QueueTableTest, AnOrphanIsServedUntilItIsNoneAnyMore) {
  QueueTable table;
  EXPECT_EQ(changes(table, {}, {100, 101}), Changes{});
  EXPECT_EQ(changes(table, {1}, {100}), (Changes{{100, 1, true}}));
  EXPECT_EQ(changes(table, {1}, {100}), Changes{}) << "said once";
  EXPECT_EQ(changes(table, {}, {100, 101}), (Changes{{100, 1, false}}));
  EXPECT_TRUE(table.lent().empty());
}

TEST(QueueTableTest, OrphansAreSpreadAndStayWhereTheyAre) {
  QueueTable table;
  EXPECT_EQ(changes(table, {2, 3, 4}, {100, 101}),
            (Changes{{100, 2, true}, {101, 3, true}, {100, 4, true}}));
  EXPECT_EQ(changes(table, {2, 3, 4}, {100, 101, 102}), Changes{}) << "no moving for balance";
  EXPECT_EQ(changes(table, {2, 3, 4, 5}, {100, 101, 102}), (Changes{{102, 5, true}}));
}

TEST(QueueTableTest, WhoServesNoMoreIsToldNothingAndFollowed) {
  QueueTable table;
  changes(table, {2}, {100});
  EXPECT_EQ(changes(table, {2}, {101}), (Changes{{101, 2, true}}));
  EXPECT_EQ(changes(table, {2}, {}), Changes{}) << "nobody can";
  EXPECT_TRUE(table.lent().empty());
  EXPECT_EQ(changes(table, {2}, {101}), (Changes{{101, 2, true}}));
}

}  // namespace
}  // namespace txindex::process
