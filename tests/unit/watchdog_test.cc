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

using Changes = std::vector<std::pair<int, std::optional<pid_t>>>;
constexpr std::nullopt_t kNobody = std::nullopt;

Changes changes(QueueTable& table, const std::vector<int>& orphans,
                const std::vector<pid_t>& serving) {
  Changes out;
  for (const auto& [queue, worker] : table.update(orphans, serving))
    out.emplace_back(queue, worker);
  return out;
}

TEST(QueueTableTest, AnOrphanIsServedUntilItIsNoneAnyMore) {
  QueueTable table;
  EXPECT_EQ(changes(table, {}, {100, 101}), Changes{});
  EXPECT_EQ(changes(table, {1}, {100}), (Changes{{1, 100}}));
  EXPECT_EQ(changes(table, {1}, {100}), Changes{}) << "said once";
  EXPECT_EQ(changes(table, {}, {100, 101}), (Changes{{1, kNobody}}));
  EXPECT_TRUE(table.lent().empty());
}

TEST(QueueTableTest, OrphansAreSpreadAndStayWhereTheyAre) {
  QueueTable table;
  EXPECT_EQ(changes(table, {2, 3, 4}, {100, 101}), (Changes{{2, 100}, {3, 101}, {4, 100}}));
  EXPECT_EQ(changes(table, {2, 3, 4}, {100, 101, 102}), Changes{}) << "no moving for balance";
  EXPECT_EQ(changes(table, {2, 3, 4, 5}, {100, 101, 102}), (Changes{{5, 102}}));
}

TEST(QueueTableTest, WhoServesNoMoreIsFollowedAndWhoHangsHasToLeaveIt) {
  QueueTable table;
  changes(table, {2}, {100});
  EXPECT_EQ(changes(table, {2}, {101}), (Changes{{2, 101}}));
  EXPECT_EQ(changes(table, {2}, {}), (Changes{{2, kNobody}})) << "nobody can";
  EXPECT_TRUE(table.lent().empty());
  EXPECT_EQ(changes(table, {2}, {101}), (Changes{{2, 101}}));
  // It hangs, and the owner is back: it is to hear of that when it goes on.
  EXPECT_EQ(changes(table, {}, {102}), (Changes{{2, kNobody}}));
}

TEST(QueueTableTest, WhoCouldNotBeToldIsAskedAgain) {
  QueueTable table;
  EXPECT_EQ(changes(table, {2}, {100}), (Changes{{2, 100}}));
  table.forget(2);
  EXPECT_EQ(changes(table, {2}, {100}), (Changes{{2, 100}}));
}

}  // namespace
}  // namespace txindex::process
