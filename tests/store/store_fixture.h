// A cluster with the schema in it, and what the store's tests say again and again.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "store/pg_store.h"
#include "store/sample_rows.h"
#include "store/schema.h"
#include "support/postgres.h"

namespace txindex::store {

class StoreFixture : public testing::Test {
 protected:
  StoreFixture() {
    const auto migrated = migrate(postgres.conninfo(), std::chrono::hours(1));
    if (!migrated) throw std::runtime_error(migrated.error().message);
  }

  PgStore::Options options(IndexLevel level = IndexLevel::accounts) const {
    PgStore::Options o;
    o.conninfo = postgres.conninfo();
    o.index_level = level;
    o.backoff_max = std::chrono::milliseconds(400);
    return o;
  }

  std::vector<wire::Outcome> write(Store& store, std::vector<Row> rows) {
    EXPECT_TRUE(store.write(rows));
    std::vector<wire::Outcome> outcomes;
    for (const Row& row : rows)
      outcomes.push_back(row.outcome);
    return outcomes;
  }
  wire::Outcome write_one(Store& store, const Row& row) { return write(store, {row}).front(); }

  std::string count(const std::string& table) const {
    return postgres.query("SELECT count(*) FROM txindex." + table);
  }
  std::string deadlocks() const {
    return postgres.query("SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'");
  }

  const std::uint32_t seed = std::random_device()();
  test::SampleRows sample{seed};
  testing::ScopedTrace trace{__FILE__, __LINE__, "seed " + std::to_string(seed)};
  test::PostgresCluster postgres;
  stats::Block block{};
};

}  // namespace txindex::store
