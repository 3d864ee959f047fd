#include "net/ack_tracker.h"

#include <gtest/gtest.h>

#include <map>

#include "support/random.h"

namespace txindex::net {
namespace {

using test::Random;
using wire::Outcome;

// Reads the ACK frames of a buffer as a client would.
std::map<std::uint64_t, Outcome> outcomes_of(const wire::Buffer& frames, std::uint64_t& up_to) {
  std::map<std::uint64_t, Outcome> outcomes;
  std::size_t at = 0;
  while (at < frames.size()) {
    const std::size_t length = wire::load<std::uint32_t>(frames.data() + at);
    const auto ack = wire::AckView::parse(Bytes(frames).subspan(at + 5, length - 1));
    EXPECT_TRUE(ack);
    if (!ack) return outcomes;
    for (std::uint64_t s = up_to + 1; s <= ack->up_to(); ++s)
      outcomes[s] = Outcome::committed;
    for (std::size_t i = 0; i < ack->size(); ++i) {
      const auto exception = (*ack)[i];
      EXPECT_TRUE(exception && exception->sequence > up_to && exception->sequence <= ack->up_to());
      outcomes[exception->sequence] = exception->outcome;
    }
    up_to = ack->up_to();
    at += 4 + length;
  }
  return outcomes;
}

TEST(AckTracker, SaysNothingUntilTheOldestHasItsOutcome) {
  AckTracker tracker;
  ASSERT_EQ(tracker.receive(), 1U);
  ASSERT_EQ(tracker.receive(), 2U);
  tracker.complete(2, Outcome::committed);
  wire::Buffer out;
  EXPECT_FALSE(tracker.write(out));
  EXPECT_TRUE(out.empty());
  tracker.complete(1, Outcome::committed);
  EXPECT_TRUE(tracker.write(out));
  std::uint64_t up_to = 0;
  EXPECT_EQ(outcomes_of(out, up_to).size(), 2U);
  EXPECT_EQ(tracker.unacknowledged(), 0U);
  EXPECT_FALSE(tracker.write(out));
}

TEST(AckTracker, EverySequenceIsToldItsOutcomeOnceWhateverTheOrder) {
  Random random;
  AckTracker tracker;
  std::map<std::uint64_t, Outcome> expected;
  std::map<std::uint64_t, Outcome> told;
  std::vector<std::uint64_t> open;
  std::uint64_t up_to = 0;
  for (int step = 0; step < 30'000; ++step) {
    if (open.empty() || (open.size() < 9000 && random.coin())) {
      open.push_back(tracker.receive());
    } else {
      std::swap(open[random.below(open.size())], open.back());
      const auto outcome = static_cast<Outcome>(random.below(wire::kOutcomeCount));
      expected[open.back()] = outcome;
      tracker.complete(open.back(), outcome);
      open.pop_back();
    }
    if (random.below(50) == 0) {
      wire::Buffer out;
      tracker.write(out);
      told.merge(outcomes_of(out, up_to));
    }
  }
  for (const auto sequence : open) {
    tracker.complete(sequence, Outcome::committed);
    expected[sequence] = Outcome::committed;
  }
  wire::Buffer out;
  tracker.write(out);
  told.merge(outcomes_of(out, up_to));
  EXPECT_EQ(told, expected);
}

TEST(AckTracker, SplitsWhatDoesNotFitOneFrame) {
  AckTracker tracker;
  for (std::uint64_t s = 1; s <= 8192; ++s) {
    tracker.receive();
    tracker.complete(s, Outcome::malformed);
  }
  wire::Buffer out;
  ASSERT_TRUE(tracker.write(out));
  EXPECT_LE(wire::load<std::uint32_t>(out.data()), limits::kFrameMaxBytes);
  std::uint64_t up_to = 0;
  EXPECT_EQ(outcomes_of(out, up_to).size(), 8192U);
}

}  // namespace
}  // namespace txindex::net
