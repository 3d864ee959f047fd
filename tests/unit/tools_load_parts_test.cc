// The parts of txindex load that can be tried without a server.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "txindex/chain/codec.h"

#include "support/process.h"
#include "support/random.h"
#include "support/temp_dir.h"
#include "tools/ack_gap.h"
#include "tools/latency_histogram.h"
#include "tools/load_schedule.h"
#include "tools/load_supply.h"
#include "verify/backend.h"
#include "verify/signature.h"

namespace txindex::tools {
namespace {

using namespace std::chrono_literals;

TEST(LatencyHistogram, QuantilesAreWithinOnePercentOfTheExactOnes) {
  test::Random random;
  LatencyHistogram histogram;
  LatencyHistogram half;
  std::vector<std::uint64_t> values;
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    // Of every magnitude, from microseconds to days.
    const std::uint64_t value = random.below(std::uint64_t{2} << random.below(38));
    values.push_back(value);
    sum += static_cast<double>(value);
    (i % 2 == 0 ? histogram : half).record(static_cast<std::int64_t>(value));
  }
  histogram.merge(half);
  std::ranges::sort(values);
  EXPECT_EQ(histogram.count(), values.size());
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_NEAR(histogram.mean(), sum / 1e5, 1e-6 * sum / 1e5);
  for (const double q : {0.0, 0.001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    const auto rank = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(q * 1e5 - 1e-6)));
    const auto exact = static_cast<double>(values[rank - 1]);
    EXPECT_NEAR(static_cast<double>(histogram.quantile(q)), exact, 0.01 * exact) << q;
  }
}

TEST(LatencyHistogram, NoValueIsToldWithMoreThanOnePercentOfError) {
  for (double value = 1; value < 1e15; value *= 1.0017) {
    const auto exact = static_cast<std::int64_t>(value);
    LatencyHistogram histogram;
    histogram.record(exact);
    histogram.record(2 * exact);
    EXPECT_NEAR(static_cast<double>(histogram.quantile(0.5)), static_cast<double>(exact),
                0.01 * static_cast<double>(exact));
  }
}

TEST(LatencyHistogram, SmallValuesAreExactAndTheEndsAreSafe) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0U);
  EXPECT_EQ(histogram.mean(), 0);
  for (int i = 0; i < 128; ++i)
    histogram.record(i);
  for (int i = 0; i < 128; ++i)
    EXPECT_EQ(histogram.quantile((i + 1) / 128.0), static_cast<std::uint64_t>(i));
  histogram.record(-5);
  EXPECT_EQ(histogram.quantile(0), 0U);
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  histogram.record(kMost);
  EXPECT_NEAR(static_cast<double>(histogram.quantile(1)), 9.2e18, 0.1e18);
  EXPECT_EQ(histogram.max(), static_cast<std::uint64_t>(kMost));
}

TEST(LoadSchedule, TheRateIsMetWhateverThePartsAre) {
  for (const double rate : {0.5, 3.0, 1000.0, 33333.3}) {
    for (const unsigned parts : {1U, 3U}) {
      std::vector<std::int64_t> times;
      for (unsigned part = 0; part < parts; ++part) {
        const LoadSchedule schedule(rate, part, parts, 10'000'000);
        const std::uint64_t n = schedule.due(1'000'000'000);  // long after the end
        for (std::uint64_t i = 0; i < n; ++i)
          times.push_back(schedule.time_us(i));
      }
      std::ranges::sort(times);
      EXPECT_EQ(times.size(), static_cast<std::size_t>(std::ceil(10 * rate))) << rate;
      for (std::size_t i = 0; i < times.size(); ++i)
        EXPECT_NEAR(static_cast<double>(times[i]), 1e6 * static_cast<double>(i) / rate, 1) << i;
    }
  }
}

TEST(LoadSchedule, OneIsDueFromItsTimeOnAndNotBefore) {
  const LoadSchedule schedule(7, 1, 2, {});
  for (std::uint64_t n = 0; n < 1000; ++n) {
    EXPECT_EQ(schedule.due(schedule.time_us(n) - 1), n);
    EXPECT_EQ(schedule.due(schedule.time_us(n)), n + 1);
  }
}

TEST(AckGap, CountsOnlyWhileSomethingIsOwed) {
  AckGap gap;
  gap.sent(1000, 2);
  gap.acked(1300, 1);
  EXPECT_EQ(gap.longest_us(1300), 300);
  gap.acked(1400, 1);
  EXPECT_EQ(gap.longest_us(999'999), 300);  // nothing was owed
  gap.sent(1'000'000, 1);
  gap.sent(1'000'100, 1);
  EXPECT_EQ(gap.longest_us(1'000'500), 500);
  gap.acked(1'000'700, 2);
  EXPECT_EQ(gap.longest_us(2'000'000), 700);
}

class LoadSupplyTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(verify::start(VerifyBackend::automatic)); }

  static LoadSupply::Options made(std::uint64_t count) {
    LoadSupply::Options options;
    options.count = count;
    options.threads = 3;
    options.accounts = 10;
    options.txids = true;
    return options;
  }
  // All of it.
  static std::vector<std::shared_ptr<const Pack>> drain(LoadSupply& supply) {
    std::vector<std::shared_ptr<const Pack>> packs;
    EXPECT_TRUE(test::eventually([&] {
      while (auto pack = supply.try_take())
        packs.push_back(std::move(pack));
      return supply.over();
    }));
    return packs;
  }
};

TEST_F(LoadSupplyTest, MakesAsManyAsAskedForEachOnceWithItsId) {
  LoadSupply supply(made(1000));
  std::set<journal::Txid> txids;
  for (const auto& pack : drain(supply)) {
    for (std::size_t i = 0; i < pack->size(); ++i) {
      const auto tx = pack->tx(i);
      chain::TransactionTable table;
      ASSERT_TRUE(chain::find_codec(tx.chain)->parse(tx.transaction, table));
      const auto& parsed = table.transactions[0];
      EXPECT_TRUE(std::ranges::equal(parsed.txid, pack->txid(i)));
      EXPECT_TRUE(verify::all_valid(chain::SignatureRule::ed25519_strict, parsed.message,
                                    table.signatures_of(parsed)));
      txids.insert(pack->txid(i));
    }
  }
  EXPECT_EQ(txids.size(), 1000U);
  EXPECT_EQ(supply.made(), 1000U);
}

TEST_F(LoadSupplyTest, KeepsNoMoreReadyThanAskedForAndGoesOnWhenSomeAreTaken) {
  auto options = made(0);
  options.count.reset();
  options.ahead = 1000;
  LoadSupply supply(options);
  ASSERT_TRUE(supply.filled_within(30s));
  EXPECT_EQ(supply.made(), 1024U);  // whole packs
  EXPECT_FALSE(supply.over());
  ASSERT_TRUE(supply.try_take());
  EXPECT_TRUE(test::eventually([&] { return supply.made() == 1280; }));
  EXPECT_TRUE(supply.filled_within(30s));
}

TEST_F(LoadSupplyTest, FilesAreReadToTheEndOrTheCountAndABrokenOneIsNamed) {
  const test::TempDir dir;
  std::string file = std::string(as_text(wire::kFilePreface));
  wire::Buffer frames;
  for (int i = 0; i < 700; ++i) {
    const wire::Buffer body(100, static_cast<std::uint8_t>(i));
    wire::append_tx(frames, {.chain = 1, .time_us = i, .slot = {}, .transaction = body});
  }
  test::write_file(dir / "a.txs", file + std::string(as_text(frames)));
  const auto of = [&](std::vector<std::string> files, std::optional<std::uint64_t> count) {
    LoadSupply::Options options;
    options.files = std::move(files);
    options.count = count;
    options.txids = true;
    return options;
  };
  LoadSupply all(of({dir / "a.txs", dir / "a.txs"}, {}));
  std::int64_t next = 0;
  for (const auto& pack : drain(all)) {
    for (std::size_t i = 0; i < pack->size(); ++i)
      EXPECT_EQ(pack->tx(i).time_us, next++ % 700);
    EXPECT_EQ(pack->txid(0), journal::Txid{});  // it does not parse
  }
  EXPECT_EQ(next, 1400);
  EXPECT_FALSE(all.failed());

  LoadSupply some(of({dir / "a.txs", dir / "no such"}, 300));
  drain(some);
  EXPECT_EQ(some.made(), 300U);
  EXPECT_FALSE(some.failed());

  test::write_file(dir / "cut.txs", test::read_file(dir / "a.txs").substr(0, 50'000));
  LoadSupply cut(of({dir / "cut.txs"}, {}));
  drain(cut);
  EXPECT_GT(cut.made(), 400U);
  ASSERT_TRUE(cut.failed());
  EXPECT_NE(cut.failed()->message.find("cut.txs"), std::string::npos);
}

}  // namespace
}  // namespace txindex::tools
