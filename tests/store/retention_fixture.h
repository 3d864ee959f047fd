// What the tests of retention have in common: hours ago, and what is left of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flow/clock.h"
#include "store/maintenance.h"
#include "store/store_fixture.h"

namespace txindex::store {

inline constexpr std::int64_t kHour = 60 * test::kMinute;

class RetentionTest : public StoreFixture {
 protected:
  // The middle of the hour that was `hours` before the one in which the test began.
  std::int64_t hours_ago(int hours) const { return this_hour - hours * kHour + kHour / 2; }
  Maintenance::Options maintenance(
      std::optional<std::chrono::hours> retention = std::chrono::hours(5)) const {
    Maintenance::Options o;
    o.conninfo = postgres.conninfo();
    o.retention = retention;
    o.interval = std::chrono::milliseconds(50);
    o.lock_timeout = std::chrono::milliseconds(300);
    return o;
  }
  // How many hours ago the partitions begin that are there, the newest first.
  std::string partitions() const {
    return postgres.query("SELECT string_agg(((" + std::to_string(this_hour / 1'000'000) +
                          " - extract(epoch FROM period)) / 3600)::integer::text, ' '"
                          " ORDER BY period DESC)"
                          " FROM txindex.leaves() WHERE parent = 'transactions'");
  }
  bool eventually_partitions(const std::string& expected) {
    return test::eventually([&] { return partitions() == expected; });
  }
  bool counted(stats::Word word, std::uint64_t value, const stats::Block& in) {
    return test::eventually([&] { return stats::get(in, word) == value; });
  }
  void store_hours(std::initializer_list<int> hours) {
    PgStore store(options(), block);
    for (const int ago : hours)
      ASSERT_EQ(write(store, sample.make_many(10, hours_ago(ago))),
                std::vector(10, wire::Outcome::committed));
  }

  const std::int64_t this_hour = flow::wall_us() / kHour * kHour;
};

}  // namespace txindex::store
