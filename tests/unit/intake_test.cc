#include "process/intake.h"

#include <gtest/gtest.h>

#include "support/solana_builder.h"
#include "support/stages.h"

namespace txindex::process {
namespace {

using test::RecordingSink;

constexpr std::int64_t kGatherUs = 1000;
constexpr std::int64_t kNowUs = 5'000'000;

// An intake whose loop turns, and whose time passes, when the test says so.
class IntakeTest : public testing::Test {
 protected:
  void SetUp() override { start(8); }

  void start(std::size_t lanes) {
    intake_ = std::make_unique<Intake>(
        Intake::Options{.max_future_us = 1'000'000,
                        .max_age_us = 1'000'000,
                        .max_rows = 100,
                        .max_bytes = 1 << 20,
                        .lanes = lanes,
                        .gather_us = kGatherUs},
        parts_.gate,
        [this](flow::ParcelPtr& parcel) {
          offered_.push_back(std::move(parcel));
          return true;
        },
        [this] { turn_wanted_ = true; },
        [this](std::int64_t at_us) {
          wanted_at_us_.push_back(at_us);
          waits_ = true;
        });
  }

  void TearDown() override {
    intake_->hand_over();
    while (waits_)
      time_is_up();
    for (auto& parcel : offered_) {
      for (auto& item : parcel->items)
        item.ticket.complete(wire::Outcome::committed);
    }
  }

  void receive(std::size_t count, std::int64_t steady_us) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto& bytes = kept_.emplace_back(test::solana_transfer(0, kept_.size() + 1).bytes());
      intake_->receive(flow::Ticket(sink_, kept_.size(), bytes.size(), {}),
                       {.chain = 1, .time_us = {}, .slot = {}, .transaction = bytes},
                       {.wall_us = kNowUs, .steady_us = steady_us});
    }
  }

  // The loop has done what it could do.
  void turn() {
    if (std::exchange(turn_wanted_, false)) intake_->hand_over();
  }

  void time_is_up() {
    waits_ = false;
    intake_->gathered();
  }

  std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> sizes;
    for (const auto& parcel : offered_)
      sizes.push_back(parcel->size());
    return sizes;
  }

  using Sizes = std::vector<std::size_t>;
  using Times = std::vector<std::int64_t>;
  RecordingSink sink_;
  test::LoopParts parts_{1 << 20};
  std::deque<test::Blob> kept_;
  std::unique_ptr<Intake> intake_;
  std::vector<flow::ParcelPtr> offered_;
  bool turn_wanted_ = false;
  bool waits_ = false;
  Times wanted_at_us_;
};

TEST_F(IntakeTest, WithoutLanesWhatATurnBroughtIsHandedOverAtItsEnd) {
  start(1);
  receive(3, 100);
  EXPECT_TRUE(offered_.empty());
  turn();
  EXPECT_EQ(sizes(), Sizes({3}));
  EXPECT_EQ(wanted_at_us_, Times());
}

TEST_F(IntakeTest, FewWaitForMoreUntilTheTimeOfTheFirstIsUp) {
  receive(1, 100);
  turn();
  receive(2, 700);
  turn();
  EXPECT_TRUE(offered_.empty());
  EXPECT_EQ(wanted_at_us_, Times({100 + kGatherUs}));
  time_is_up();
  EXPECT_EQ(sizes(), Sizes({3}));
}

TEST_F(IntakeTest, AreHandedOverAtOnceWhenAtMostAnEighthOfTheLanesIsEmpty) {
  for (const std::size_t rows : {7U, 8U, 14U, 16U, 21U, 43U, 49U, 57U}) {
    receive(rows, 100);
    turn();
    ASSERT_FALSE(offered_.empty()) << rows;
    EXPECT_EQ(offered_.back()->size(), rows);
  }
  EXPECT_EQ(wanted_at_us_, Times());
  const std::size_t before = offered_.size();
  receive(9, 100);
  turn();
  EXPECT_EQ(offered_.size(), before) << "7 of 16 lanes would be empty";
}

TEST_F(IntakeTest, AParcelThatBeganLaterGetsItsOwnTime) {
  receive(1, 100);
  turn();
  receive(7, 600);
  turn();
  ASSERT_EQ(sizes(), Sizes({8}));
  receive(1, 900);
  turn();
  time_is_up();
  EXPECT_EQ(sizes(), Sizes({8})) << "the time was that of the parcel before";
  EXPECT_EQ(wanted_at_us_, Times({100 + kGatherUs, 900 + kGatherUs}));
  time_is_up();
  EXPECT_EQ(sizes(), Sizes({8, 1}));
}

TEST_F(IntakeTest, ATimeThatFindsNothingIsForgotten) {
  receive(1, 100);
  turn();
  receive(7, 100);
  turn();
  time_is_up();
  EXPECT_EQ(sizes(), Sizes({8}));
  receive(1, 5000);
  turn();
  EXPECT_EQ(wanted_at_us_, Times({100 + kGatherUs, 5000 + kGatherUs}));
}

}  // namespace
}  // namespace txindex::process
