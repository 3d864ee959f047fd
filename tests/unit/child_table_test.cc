// The respawn policy, without a process.
#include "process/child_table.h"

#include <gtest/gtest.h>

#include <random>

namespace txindex::process {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Time = ChildTable::Time;
using Slots = std::vector<int>;

class ChildTableTest : public ::testing::Test {
 protected:
  // Starts what is due and returns which slots that were.
  Slots start_due() {
    auto slots = table.due(now);
    for (const int slot : slots) {
      table.next_generation(slot);
      table.spawned(slot, next_pid++);
    }
    return slots;
  }
  void start_all_ready() {
    for (const int slot : start_due())
      table.ready(slot, now);
  }
  ChildTable::Death die(int slot) { return table.died(table[slot].pid, now).value(); }

  ChildTable table{3};
  Time now{seconds(1000)};
  pid_t next_pid = 100;
};

TEST_F(ChildTableTest, EverySlotIsDueAtTheStart) {
  EXPECT_EQ(table.due(now), (Slots{0, 1, 2}));
  EXPECT_EQ(start_due(), (Slots{0, 1, 2}));
  EXPECT_EQ(table.due(now), Slots{});
  EXPECT_FALSE(table.next_due());
  EXPECT_EQ(table[2].generation, 1u);
  EXPECT_EQ(table[2].state, SlotState::starting);
  EXPECT_EQ(table.slot_of(101), 1);
  EXPECT_FALSE(table.slot_of(99));
  EXPECT_FALSE(table.slot_of(0));
}

TEST_F(ChildTableTest, AllAreReadyWhenEachHasSaidSo) {
  start_due();
  table.ready(0, now);
  table.ready(2, now);
  EXPECT_FALSE(table.all_ready());
  table.ready(1, now);
  EXPECT_TRUE(table.all_ready());
}

TEST_F(ChildTableTest, TheFirstDeathIsReplacedAtOnce) {
  start_all_ready();
  const auto death = die(1);
  EXPECT_EQ(death.slot, 1);
  EXPECT_EQ(death.state, SlotState::ready);
  EXPECT_EQ(death.wait, seconds(0));
  EXPECT_EQ(start_due(), Slots{1});
  EXPECT_EQ(table[1].generation, 2u);
  EXPECT_EQ(table[1].restarts, 1u);
  EXPECT_EQ(table[0].restarts, 0u);
}

TEST_F(ChildTableTest, OneThatKeepsDyingWaitsTwiceAsLongEachTime) {
  start_due();
  std::vector<milliseconds> waits;
  for (int i = 0; i < 14; ++i) {
    const auto death = die(0);
    waits.push_back(std::chrono::duration_cast<milliseconds>(death.wait));
    if (death.wait > seconds(0)) {
      EXPECT_EQ(table[0].state, SlotState::held_back);
      EXPECT_EQ(table.next_due(), now + death.wait);
      now += death.wait - milliseconds(1);
      EXPECT_EQ(table.due(now), Slots{});
      now += milliseconds(1);
    }
    EXPECT_EQ(start_due(), Slots{0});
  }
  std::vector<milliseconds> expected;
  for (const int ms :
       {0, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000, 30000}) {
    expected.emplace_back(ms);
  }
  EXPECT_EQ(waits, expected);
}

TEST_F(ChildTableTest, AManyThousandthDeathStillWaitsTheLongestTime) {
  start_due();
  for (int i = 0; i < 5000; ++i) {
    now += die(0).wait;
    start_due();
  }
  EXPECT_EQ(die(0).wait, ChildTable::kBackoffMax);
}

TEST_F(ChildTableTest, AMinuteOfHealthMakesTheSlotBeginAnew) {
  start_all_ready();
  for (int i = 0; i < 5; ++i) {
    now += die(0).wait;
    start_all_ready();
  }
  now += ChildTable::kHealthy;
  EXPECT_EQ(die(0).wait, seconds(0));
  start_all_ready();
  now += ChildTable::kHealthy - milliseconds(1);
  EXPECT_EQ(die(0).wait, ChildTable::kBackoffMin) << "not quite a minute";
}

TEST_F(ChildTableTest, AMinuteOfStartingIsNoHealth) {
  start_all_ready();
  die(0);
  start_due();
  now += seconds(3600);
  EXPECT_GT(die(0).wait, seconds(0));
}

TEST_F(ChildTableTest, HealthIsCountedFromTheFirstTimeThatItSaidReady) {
  start_all_ready();
  now += seconds(59);
  table.ready(0, now);
  now += seconds(1);
  die(0);
  start_all_ready();
  EXPECT_EQ(die(0).wait, ChildTable::kBackoffMin);
}

TEST_F(ChildTableTest, SlotsAreHeldBackEachForItself) {
  start_all_ready();
  die(0);
  start_all_ready();
  die(0);
  EXPECT_EQ(die(1).wait, seconds(0));
  EXPECT_EQ(start_due(), Slots{1});
  EXPECT_EQ(table.next_due(), now + ChildTable::kBackoffMin);
}

TEST_F(ChildTableTest, AProcessThatCannotBeMadeCountsAsADeath) {
  start_due();
  die(0);
  EXPECT_EQ(table.not_spawned(0, now).wait, ChildTable::kBackoffMin);
  now += ChildTable::kBackoffMin;
  EXPECT_EQ(table.due(now), Slots{0});
}

TEST_F(ChildTableTest, AnUnknownProcessDoesNotMatter) {
  start_due();
  EXPECT_FALSE(table.died(4711, now));
  EXPECT_EQ(table[0].state, SlotState::starting);
}

TEST_F(ChildTableTest, AStoppingTableReplacesNobody) {
  start_all_ready();
  die(2);
  start_due();
  die(2);  // held back
  table.stop();
  EXPECT_EQ(table[0].state, SlotState::draining);
  EXPECT_EQ(table[2].state, SlotState::empty);
  EXPECT_FALSE(table.next_due());
  now += seconds(100);
  EXPECT_EQ(table.due(now), Slots{});
  EXPECT_EQ(die(0).state, SlotState::draining);
  die(1);
  EXPECT_EQ(table.due(now), Slots{});
  EXPECT_EQ(table[0].restarts, 0u) << "an end that was asked for is no restart";
}

TEST_F(ChildTableTest, AReadyThatComesWhileStoppingChangesNothing) {
  start_due();
  table.stop();
  table.ready(0, now);
  EXPECT_EQ(table[0].state, SlotState::draining);
}

TEST_F(ChildTableTest, ItIsHopelessWhenEverySlotHasComeToTheLongestWait) {
  start_due();
  const auto wear_out = [this](int slot) {
    while (die(slot).wait < ChildTable::kBackoffMax) {
      EXPECT_FALSE(table.hopeless());
      now = table[slot].hold_until;
      table.spawned(slot, next_pid++);
    }
  };
  wear_out(0);
  wear_out(1);
  EXPECT_FALSE(table.hopeless()) << "slot 2 lives";
  wear_out(2);
  EXPECT_TRUE(table.hopeless());
  now += ChildTable::kBackoffMax;
  start_due();
  EXPECT_FALSE(table.hopeless()) << "it is being tried again";
}

TEST_F(ChildTableTest, AReplacementTakesTheSlotAndBeginsAnew) {
  start_all_ready();
  die(1);
  start_due();
  now = table[1].hold_until;
  die(1);
  now = table[1].hold_until;
  start_due();
  table.ready(1, now);
  EXPECT_EQ(table[1].deaths, 2);
  const pid_t before = table[1].pid;
  EXPECT_EQ(table.next_generation(1), 4U);
  table.replaced(1, 4711, now);
  EXPECT_EQ(table[1].state, SlotState::ready);
  EXPECT_EQ(table[1].deaths, 0);
  EXPECT_FALSE(table.died(before, now)) << "the one before is in charge of nothing";
  EXPECT_EQ(table.slot_of(4711), 1);
  EXPECT_EQ(die(1).wait, ChildTable::Duration::zero());
}

TEST_F(ChildTableTest, WorkersAreAddedAtTheEndAndRetiredFromThere) {
  start_all_ready();
  EXPECT_EQ(table.last_worker(), 2);
  table.retire(2);
  EXPECT_EQ(table.workers_wanted(), 2);
  EXPECT_EQ(table.workers(), 3) << "its queue is still there";
  EXPECT_TRUE(table.all_ready());
  EXPECT_EQ(table.due(now), Slots{});
  EXPECT_EQ(table.last_worker(), 1);
  table.retire(1);
  EXPECT_FALSE(table.last_worker()) << "one stays";
  EXPECT_EQ(table.add_worker(), 1) << "a retired slot comes first";
  EXPECT_EQ(table.add_worker(), 2);
  EXPECT_EQ(table.add_worker(), 3);
  EXPECT_EQ(start_due(), (Slots{1, 2, 3}));
  EXPECT_EQ(table.workers_wanted(), 4);
  EXPECT_EQ(table.workers_ready(), 1);
}

TEST_F(ChildTableTest, FiveDeathsWithinAMinuteMakeItDegradedForAMinute) {
  start_all_ready();
  for (int i = 0; i < 4; ++i) {
    die(0);
    now += seconds(5);
    start_due();
  }
  EXPECT_FALSE(table.degraded(now));
  const auto first = now - seconds(20);
  die(0);
  EXPECT_TRUE(table.degraded(now));
  EXPECT_TRUE(table.degraded(first + seconds(59)));
  EXPECT_FALSE(table.degraded(first + seconds(60)));
}

TEST(AuxiliarySlotTest, TheServiceLivesWithoutItButIsNotReadyWithoutIt) {
  ChildTable table(1, 256);
  ChildTable::Time now{seconds(1000)};
  EXPECT_EQ(table.slots(), (Slots{0, 256}));
  EXPECT_EQ(table.due(now), (Slots{0, 256}));
  EXPECT_EQ(table.workers(), 1);
  table.spawned(0, 10);
  table.ready(0, now);
  EXPECT_FALSE(table.all_ready());
  while (table.not_spawned(256, now).wait < ChildTable::kBackoffMax) {
  }
  EXPECT_FALSE(table.hopeless());
  EXPECT_FALSE(table.degraded(now)) << "of workers";
  EXPECT_EQ(table.add_worker(), 1);
  EXPECT_EQ(table.slots(), (Slots{0, 1, 256})) << "a new slot does not move it";
  EXPECT_EQ(table[256].state, SlotState::held_back);
  now = table[256].hold_until;
  table.spawned(256, 11);
  table.ready(256, now);
  EXPECT_EQ(table.slot_of(11), 256);
  while (table.died(10, now)->wait < ChildTable::kBackoffMax)
    table.restore(0, [&] {
      auto slot = table[0];
      slot.state = SlotState::starting;
      slot.pid = 10;
      return slot;
    }());
  table.retire(1);
  EXPECT_TRUE(table.hopeless()) << "no worker can live";
}

TEST_F(ChildTableTest, NoSequenceOfEventsBreaksItsInvariants) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto pick = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
  for (int step = 0; step < 20'000; ++step) {
    now += milliseconds(pick(40'000));
    const int slot = pick(table.workers());
    switch (pick(4)) {
      case 0:
        start_due();
        break;
      case 1:
        if (table[slot].pid > 0) table.ready(slot, now);
        break;
      default:
        if (table[slot].pid > 0) die(slot);
    }
    for (int i = 0; i < table.workers(); ++i) {
      const auto& s = table[i];
      const bool has_process = s.state == SlotState::starting || s.state == SlotState::ready;
      ASSERT_EQ(s.pid > 0, has_process);
      ASSERT_EQ(s.generation, s.restarts + (has_process ? 1 : 0));
      if (s.state == SlotState::held_back) {
        ASSERT_LE(s.hold_until, now + ChildTable::kBackoffMax);
      }
    }
  }
}

}  // namespace
}  // namespace txindex::process
