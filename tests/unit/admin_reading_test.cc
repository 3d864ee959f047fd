// What the statistics of two sides and many slots come to: readings, and what changes between them.
#include <gtest/gtest.h>

#include "admin/reading.h"
#include "admin/sampler.h"
#include "stats/block.h"

namespace txindex::admin {
namespace {

using stats::ProcessState;
using stats::ServiceWord;
using stats::Timing;
using stats::Word;

constexpr std::int64_t kSecond = 1'000'000;

class AdminReadingTest : public ::testing::Test {
 protected:
  AdminReadingTest() { set(segment.service(), ServiceWord::worker_slots, 2); }

  stats::Block& block(std::size_t slot, std::size_t side = 0) { return segment.block(slot, side); }
  void process(std::size_t slot, std::size_t side, std::uint64_t pid, std::uint64_t generation,
               ProcessState state) {
    set(block(slot, side), Word::pid, pid);
    set(block(slot, side), Word::generation, generation);
    set(block(slot, side), Word::state, static_cast<std::uint64_t>(state));
  }
  std::uint64_t in_charge(std::size_t slot = 0) {
    return reading().workers[slot].process().generation;
  }
  Reading reading(std::int64_t steady_us = 10 * kSecond) {
    return read(segment, steady_us, 1'700'000'000 * kSecond + steady_us);
  }

  stats::Segment segment = stats::Segment::create().value();
};

// --- Readings ----------------------------------------------------------------------------------

TEST_F(AdminReadingTest, TheProcessThatIsReadyIsInCharge) {
  process(0, 0, 101, 1, ProcessState::ready);
  process(0, 1, 102, 2, ProcessState::starting);
  EXPECT_EQ(in_charge(), 1u) << "the replacement is not ready yet";
  process(0, 0, 101, 1, ProcessState::draining);
  process(0, 1, 102, 2, ProcessState::ready);
  EXPECT_EQ(in_charge(), 2u);
  process(0, 0, 103, 3, ProcessState::ready);
  EXPECT_EQ(in_charge(), 3u) << "of two that are ready, the later";
}

TEST_F(AdminReadingTest, WithoutOneThatIsReadyALivingOneIsInChargeElseTheLast) {
  process(0, 0, 101, 1, ProcessState::draining);
  process(0, 1, 0, 2, ProcessState::held_back);
  EXPECT_EQ(in_charge(), 1u);
  process(0, 0, 0, 1, ProcessState::empty);
  EXPECT_EQ(in_charge(), 2u);
  EXPECT_EQ(reading().workers[0].process().state, ProcessState::held_back);
}

TEST_F(AdminReadingTest, ASlotIsTheSumOfItsSidesAndTheTotalThatOfTheSlotsInUse) {
  add(block(0, 0), Word::received, 5);
  add(block(0, 1), Word::received, 7);
  add(block(1, 0), Word::received, 100);
  add(block(2, 0), Word::received, 1000);  // not in use
  add(block(stats::kAdminSlot), Word::loop_busy_us, 9);
  record(block(0, 1), Timing::commit, 10, 3);
  const auto now = reading();
  ASSERT_EQ(now.workers.size(), 2u);
  EXPECT_EQ(now.workers[0].sum[Word::received], 12u);
  EXPECT_EQ(now.workers[1].slot, 1u);
  EXPECT_EQ(now.total[Word::received], 112u);
  EXPECT_EQ(now.total[Timing::commit].count(), 3u);
  EXPECT_EQ(now.total[Word::loop_busy_us], 0u);
  EXPECT_EQ(now.admin.sum[Word::loop_busy_us], 9u);
  EXPECT_EQ(now.admin.slot, stats::kAdminSlot);
}

TEST_F(AdminReadingTest, MoreSlotsThanThereAreAreNotRead) {
  set(segment.service(), ServiceWord::worker_slots, 1u << 20);
  EXPECT_EQ(reading().workers.size(), stats::kAdminSlot);
}

TEST_F(AdminReadingTest, AHeartbeatHasAnAgeWhileThereIsAProcess) {
  EXPECT_FALSE(reading().workers[0].process().heartbeat_age_us);
  process(0, 0, 101, 1, ProcessState::starting);
  EXPECT_FALSE(reading().workers[0].process().heartbeat_age_us) << "its loop has not turned yet";
  set(block(0), Word::heartbeat_us, 7 * kSecond);
  EXPECT_EQ(reading(10 * kSecond).workers[0].process().heartbeat_age_us, 3u * kSecond);
  EXPECT_EQ(reading(6 * kSecond).workers[0].process().heartbeat_age_us, 0u) << "meanwhile";
  set(block(0), Word::pid, 0);
  EXPECT_FALSE(reading().workers[0].process().heartbeat_age_us);
}

TEST_F(AdminReadingTest, TheStoreIsKnownWhenAWorkerHasMeasuredItAndNotCountedTwice) {
  EXPECT_FALSE(reading().store);
  for (const std::size_t slot : {0, 1}) {
    set(block(slot), Word::store_partitions, 3);
    set(block(slot), Word::store_rows, 20'002);
    set(block(slot), Word::store_bytes, 12'345'678);
  }
  const auto store = reading().store;
  ASSERT_TRUE(store);
  EXPECT_EQ(store->partitions, 3u);
  EXPECT_EQ(store->rows, 20'002u);
  EXPECT_EQ(store->bytes, 12'345'678u);
}

TEST_F(AdminReadingTest, TransactionsCanBeTakenWhileAWorkerIsReadyAndTheServiceDoesNotDrain) {
  EXPECT_EQ(unreadiness(reading()), "no worker is ready");
  process(1, 1, 101, 1, ProcessState::ready);
  EXPECT_EQ(reading().workers_ready(), 1u);
  EXPECT_EQ(unreadiness(reading()), "");
  set(segment.service(), ServiceWord::service_state,
      static_cast<std::uint64_t>(stats::ServiceState::draining));
  EXPECT_EQ(unreadiness(reading()), "the service is draining");
}

TEST_F(AdminReadingTest, NoneAreTakenWhileNoWriterIsConnected) {
  const auto state = [this] {
    return static_cast<stats::ServiceState>(reading().service[ServiceWord::service_state]);
  };
  const auto set_state = [this](stats::ServiceState s) {
    set(segment.service(), ServiceWord::service_state, static_cast<std::uint64_t>(s));
  };
  set_state(stats::ServiceState::serving);
  process(0, 0, 101, 1, ProcessState::ready);
  EXPECT_EQ(state(), stats::ServiceState::serving) << "workers have no writers yet";
  for (const std::size_t slot : {0, 1})
    set(block(slot), Word::writers, 2);
  set(block(1), Word::postgres_connected, 1);
  EXPECT_EQ(unreadiness(reading()), "");
  EXPECT_EQ(state(), stats::ServiceState::serving) << "one of four is enough";
  set(block(1), Word::postgres_connected, 0);
  EXPECT_EQ(unreadiness(reading()), "no writer is connected to PostgreSQL, the log says why");
  EXPECT_EQ(state(), stats::ServiceState::degraded);
  process(0, 0, 101, 1, ProcessState::starting);
  EXPECT_EQ(state(), stats::ServiceState::serving) << "nobody is ready to be connected";
  process(0, 0, 101, 1, ProcessState::ready);
  set_state(stats::ServiceState::draining);
  EXPECT_EQ(state(), stats::ServiceState::draining);
}

// --- What changes ------------------------------------------------------------------------------

TEST_F(AdminReadingTest, ASampleIsWhatHappenedSinceTheOneBefore) {
  add(block(0), Word::outcome_committed, 1'000'000);
  record(block(0), Timing::receive_to_ack, 50'000'000, 1000);
  Sampler sampler;
  sampler.add(reading(10 * kSecond));
  EXPECT_EQ(sampler.total().seconds, 0) << "one sample is no difference";
  EXPECT_EQ(sampler.total().committed_per_second, 0);
  EXPECT_TRUE(sampler.history().empty());

  add(block(0, 0), Word::outcome_committed, 300);
  add(block(0, 1), Word::outcome_committed, 100);
  add(block(1, 0), Word::outcome_committed, 600);
  add(block(0), Word::received, 2000);
  add(block(0), Word::outcome_duplicate, 50);
  add(block(0), Word::outcome_malformed, 4);
  add(block(0), Word::outcome_time_out_of_range, 6);
  add(block(0), Word::received_bytes, 4096);
  record(block(0), Timing::receive_to_ack, 1000, 100);
  sampler.add(reading(12 * kSecond));
  EXPECT_EQ(sampler.total().seconds, 2);
  EXPECT_EQ(sampler.total().committed_per_second, 500);
  EXPECT_EQ(sampler.worker(0).committed_per_second, 200);
  EXPECT_EQ(sampler.worker(1).committed_per_second, 300);
  EXPECT_EQ(sampler.worker(0).received_per_second, 1000);
  EXPECT_EQ(sampler.worker(0).duplicate_per_second, 25);
  EXPECT_EQ(sampler.worker(0).rejected_per_second, 5);
  EXPECT_EQ(sampler.worker(0).bytes_per_second, 2048);
  const auto& to_ack = sampler.total().timings[static_cast<std::size_t>(Timing::receive_to_ack)];
  EXPECT_EQ(to_ack.count, 100u);
  EXPECT_LT(to_ack.p999_us, 2000) << "the slow ones of before are of the past";
  ASSERT_EQ(sampler.history().size(), 1u);
  EXPECT_EQ(sampler.history()[0].committed_per_second, 500);
  EXPECT_EQ(sampler.history()[0].unix_seconds, 1'700'000'012);
  ASSERT_TRUE(sampler.history()[0].receive_to_ack_p50_us);
  EXPECT_NEAR(*sampler.history()[0].receive_to_ack_p50_us, 1000, 250);

  sampler.add(reading(13 * kSecond));
  EXPECT_EQ(sampler.total().committed_per_second, 0);
  EXPECT_FALSE(sampler.history()[1].receive_to_ack_p99_us);
}

TEST_F(AdminReadingTest, UtilisationIsTheShareOfTimeAtWork) {
  Sampler sampler;
  set(block(0), Word::verify_threads, 2);
  set(block(1), Word::verify_threads, 2);
  sampler.add(reading(10 * kSecond));
  add(block(0), Word::loop_busy_us, 200'000);
  add(block(0), Word::loop_idle_us, 800'000);
  record(block(0), Timing::verify, 50, 20'000);  // one second of thread time
  sampler.add(reading(11 * kSecond));
  EXPECT_DOUBLE_EQ(sampler.worker(0).loop_utilisation, 0.2);
  EXPECT_DOUBLE_EQ(sampler.worker(0).verify_utilisation, 0.5);
  EXPECT_DOUBLE_EQ(sampler.total().verify_utilisation, 0.25) << "of all threads";
  EXPECT_DOUBLE_EQ(sampler.worker(1).loop_utilisation, 0) << "no time has been counted";
  record(block(0), Timing::verify, 50, 200'000);
  sampler.add(reading(12 * kSecond));
  EXPECT_DOUBLE_EQ(sampler.worker(0).verify_utilisation, 1) << "more than there is, is all";
}

TEST_F(AdminReadingTest, ANewSlotCountsFromZeroAndOneThatIsNotThereHasNothing) {
  Sampler sampler;
  sampler.add(reading(10 * kSecond));
  set(segment.service(), ServiceWord::worker_slots, 3);
  add(block(2), Word::received, 10);
  sampler.add(reading(11 * kSecond));
  EXPECT_EQ(sampler.worker(2).received_per_second, 10);
  EXPECT_EQ(sampler.total().received_per_second, 10);
  EXPECT_EQ(sampler.worker(3).seconds, 0);
}

TEST_F(AdminReadingTest, TheHistoryHoldsFiveMinutes) {
  Sampler sampler;
  for (int i = 0; i < 400; ++i) {
    add(block(0), Word::received, static_cast<std::uint64_t>(i));
    sampler.add(reading(i * kSecond));
  }
  ASSERT_EQ(sampler.history().size(), Sampler::kHistoryMax);
  EXPECT_EQ(sampler.history().front().received_per_second, 100);
  EXPECT_EQ(sampler.history().back().received_per_second, 399);
}

TEST_F(AdminReadingTest, AProcessThatIsReplacedTakesNothingBack) {
  process(0, 0, 101, 1, ProcessState::ready);
  add(block(0, 0), Word::received, 500);
  set(block(0, 0), Word::in_flight_bytes, 77);
  Sampler sampler;
  sampler.add(reading(10 * kSecond));
  clear_gauges(block(0, 0));
  process(0, 1, 102, 2, ProcessState::ready);
  add(block(0, 1), Word::received, 3);
  sampler.add(reading(11 * kSecond));
  EXPECT_EQ(reading().workers[0].sum[Word::received], 503u);
  EXPECT_EQ(reading().workers[0].sum[Word::in_flight_bytes], 0u);
  EXPECT_EQ(sampler.worker(0).received_per_second, 3);
}

}  // namespace
}  // namespace txindex::admin
