// What one supervisor leaves to the next, and what all of them publish.
#include "process/takeover.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <thread>

#include "stats/segment.h"
#include "stats/service.h"

namespace txindex::process {
namespace {

TakeoverState example() {
  TakeoverState state;
  state.address = {"::1", 9400};
  state.address_fd = 5;
  state.lock_fd = 6;
  state.stats_fd = 7;
  state.started_unix_us = 1'790'000'000'000'000;
  state.reexecs = 2;
  state.rolls = 9;
  state.rolls_aborted = 4;
  state.listeners = {{0, 10}, {1, 11}, {256, 12}};
  ChildTable::Slot slot;
  slot.state = SlotState::held_back;
  slot.generation = 11;
  slot.restarts = 10;
  slot.deaths = 3;
  slot.hold_until = ChildTable::Time(std::chrono::nanoseconds(123'456'789'012'345));
  slot.latest_deaths[4] = slot.hold_until - std::chrono::seconds(1);
  state.slots[1] = slot;
  state.slots[256] = {};
  state.children = {{.pid = 100,
                     .slot = 0,
                     .side = 1,
                     .generation = 5,
                     .control_fd = 20,
                     .in_charge = true,
                     .ready = true},
                    {.pid = 101,
                     .slot = 0,
                     .side = 0,
                     .generation = 4,
                     .control_fd = -1,
                     .in_charge = false,
                     .ready = true}};
  state.children[1].kill_at = ChildTable::Time(std::chrono::nanoseconds(5));
  return state;
}

TEST(TakeoverTest, WhatIsWrittenIsRead) {
  const auto written = example();
  const auto file = write_state(written);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(fcntl(file->get(), F_GETFD) & FD_CLOEXEC);
  for (int twice = 0; twice < 2; ++twice) {
    const auto read = read_state(file->get());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->address, written.address);
    EXPECT_EQ(read->started_unix_us, written.started_unix_us);
    EXPECT_EQ(read->reexecs, 2U);
    EXPECT_EQ(read->rolls, 9U);
    EXPECT_EQ(read->rolls_aborted, 4U);
    EXPECT_EQ(read->listeners, written.listeners);
    ASSERT_EQ(read->slots.size(), 2U);
    const auto& slot = read->slots.at(1);
    EXPECT_EQ(slot.state, SlotState::held_back);
    EXPECT_EQ(slot.generation, 11U);
    EXPECT_EQ(slot.restarts, 10U);
    EXPECT_EQ(slot.deaths, 3);
    EXPECT_EQ(slot.hold_until, written.slots.at(1).hold_until);
    EXPECT_EQ(slot.latest_deaths, written.slots.at(1).latest_deaths);
    ASSERT_EQ(read->children.size(), 2U);
    EXPECT_EQ(read->children[0].pid, 100);
    EXPECT_EQ(read->children[0].side, 1);
    EXPECT_TRUE(read->children[0].in_charge);
    EXPECT_FALSE(read->children[1].in_charge);
    EXPECT_FALSE(read->children[0].kill_at);
    EXPECT_TRUE(read->children[1].kill_at);
    EXPECT_EQ(read->children[1].kill_at, written.children[1].kill_at);
    EXPECT_EQ(read->descriptors(), (std::vector<int>{5, 6, 7, 10, 11, 12, 20}));
  }
}

TEST(TakeoverTest, WhatIsNoStateIsRefusedWithWhatToDo) {
  for (const char* text : {"", "{", "[]", "{\"version\": 1}", "{\"version\": 99}"}) {
    const int file = memfd_create("test", MFD_CLOEXEC);
    ASSERT_EQ(write(file, text, strlen(text)), static_cast<ssize_t>(strlen(text)));
    const auto read = read_state(file);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error().message.find("full restart"), std::string::npos);
    close(file);
  }
  EXPECT_FALSE(read_state(-1));
}

// --- stats/service.h ---------------------------------------------------------------------------

using stats::ServiceText;
using stats::ServiceWord;

TEST(ServiceStatisticsTest, WordsAndTextsAreReadAsTheyWereWritten) {
  auto segment = stats::Segment::create(1);
  ASSERT_TRUE(segment);
  auto& service = segment->service();
  EXPECT_EQ(stats::take_snapshot(service)[ServiceText::version], "");
  stats::set(service, ServiceWord::rolls_started, 7);
  stats::set(service, ServiceText::version, "1.2.3");
  stats::set(service, ServiceText::roll_failure, std::string(5000, 'x'));
  const auto seen = stats::take_snapshot(service);
  EXPECT_EQ(seen[ServiceWord::rolls_started], 7U);
  EXPECT_EQ(seen[ServiceText::version], "1.2.3");
  EXPECT_EQ(seen[ServiceText::roll_failure], std::string(sizeof(stats::Text::data), 'x'));
  stats::set(service, ServiceText::roll_failure, "");
  EXPECT_EQ(stats::take_snapshot(service)[ServiceText::roll_failure], "");
}

TEST(ServiceStatisticsTest, ATextIsNeverAMixtureOfTwo) {
  auto segment = stats::Segment::create(1);
  ASSERT_TRUE(segment);
  auto& service = segment->service();
  stats::set(service, ServiceText::listen, std::string(900, 'a'));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (char c = 'a'; !stop; c = c == 'z' ? 'a' : static_cast<char>(c + 1))
      stats::set(service, ServiceText::listen, std::string(900, c));
  });
  for (int i = 0; i < 20'000; ++i) {
    const auto text = stats::take_snapshot(service)[ServiceText::listen];
    // Empty if the writer was always in the middle: it does nothing else here.
    if (!text.empty()) {
      ASSERT_EQ(text, std::string(900, text[0]));
    }
  }
  stop = true;
  writer.join();
  EXPECT_EQ(stats::take_snapshot(service)[ServiceText::listen].size(), 900U);
}

TEST(ServiceStatisticsTest, AWriterThatDiedInTheMiddleLeavesNoText) {
  auto segment = stats::Segment::create(1);
  ASSERT_TRUE(segment);
  auto& service = segment->service();
  stats::set(service, ServiceText::listen, "old");
  auto& text = service.texts[static_cast<std::size_t>(ServiceText::listen)];
  text.sequence = text.sequence + 1;
  EXPECT_EQ(stats::take_snapshot(service)[ServiceText::listen], "");
  stats::set(service, ServiceText::listen, "new");
  EXPECT_EQ(stats::take_snapshot(service)[ServiceText::listen], "new");
}

}  // namespace
}  // namespace txindex::process
