// A batch is copied if it can be, and inserted if it has to be: what is stored is the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "store/store_fixture.h"

namespace txindex::store {
namespace {

using wire::Outcome;

using test::kMiddle;
using test::kMinute;

class CopyTest : public StoreFixture {
 protected:
  // All that is stored, without the numbers that writers give.
  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> all;
    for (const std::string table : {"boundary_transactions", "transactions", "transaction_accounts",
                                    "transaction_lookups", "instructions"}) {
      all[table] = postgres.query(
          "SELECT string_agg(r, E'\\n' ORDER BY r) FROM (SELECT"
          " (to_jsonb(t) - 'id')::text AS r FROM txindex." +
          table + " t) AS rows");
    }
    return all;
  }
  void empty_tables() const {
    postgres.query(
        "TRUNCATE txindex.boundary_transactions, txindex.transactions,"
        " txindex.transaction_accounts, txindex.transaction_lookups, txindex.instructions");
  }

  // How often each way was gone since the last call, by the server's log.
  struct Ways {
    std::size_t copies = 0;
    std::size_t inserts = 0;
    bool operator==(const Ways&) const = default;
    friend void PrintTo(const Ways& ways, std::ostream* out) {
      *out << ways.copies << " copies, " << ways.inserts << " inserts";
    }
  };
  Ways ways() {
    const std::string log = postgres.log();
    const auto count = [&](const std::string& what) {
      std::size_t found = 0;
      for (auto at = log.find(what, seen_); at != std::string::npos; at = log.find(what, at + 1))
        ++found;
      return found;
    };
    const Ways result = {count("statement: COPY txindex."), count("execute txindex_insert")};
    seen_ = log.size();
    return result;
  }
  void log_statements() { postgres.set("log_statement", "'all'"); }

 private:
  std::size_t seen_ = 0;
};

TEST_F(CopyTest, WhatIsCopiedIsWhatIsInserted) {
  log_statements();
  for (const auto level :
       {IndexLevel::transactions, IndexLevel::accounts, IndexLevel::instructions}) {
    PgStore store(options(level), block);
    auto rows = sample.make_many(200);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      // In three partitions, and close to their boundaries on both sides.
      rows[i].time_us += (static_cast<std::int64_t>(i % 40) - 20) * 3 * kMinute;
      rows[i].has_slot = i % 3 == 0;
    }
    ASSERT_TRUE(store.connect());
    ways();
    EXPECT_EQ(write(store, rows), std::vector(200, Outcome::committed));
    EXPECT_EQ(ways(), (Ways{1, 0}));
    const auto copied = contents();
    EXPECT_FALSE(copied.at("transactions").empty());
    EXPECT_FALSE(copied.at("boundary_transactions").empty());

    empty_tables();
    auto twice = rows;
    twice.push_back(rows.front());
    auto outcomes = write(store, twice);
    EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), Outcome::duplicate), 1);
    EXPECT_EQ(ways(), (Ways{0, 1}));
    EXPECT_EQ(contents(), copied);
    empty_tables();
  }
}

TEST_F(CopyTest, OneDuplicateHasTheBatchInsertedAndOthersCopiedAgainInTime) {
  log_statements();
  PgStore store(options(), block);
  const auto known = sample.make_many(10);
  EXPECT_EQ(write(store, known), std::vector(10, Outcome::committed));
  ways();
  const auto with_a_duplicate = [&] {
    auto rows = sample.make_many(50);
    rows[25] = known[3];
    const auto outcomes = write(store, rows);
    for (std::size_t i = 0; i < rows.size(); ++i)
      EXPECT_EQ(outcomes[i], i == 25 ? Outcome::duplicate : Outcome::committed) << i;
    return ways();
  };
  const auto new_ones = [&] {
    EXPECT_EQ(write(store, sample.make_many(50)), std::vector(50, Outcome::committed));
    return ways();
  };
  EXPECT_EQ(with_a_duplicate(), (Ways{1, 1}));
  EXPECT_EQ(new_ones(), (Ways{0, 1}));
  // Longer, since they go on: as long as they do, no copy is tried.
  EXPECT_EQ(with_a_duplicate(), (Ways{1, 1}));
  std::size_t in_vain = 0;
  for (int i = 0; i < 20; ++i)
    in_vain += with_a_duplicate().copies;
  EXPECT_EQ(in_vain, 0U);
  // Three without, and copies are good again.
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(new_ones(), (Ways{0, 1})) << i;
  EXPECT_EQ(new_ones(), (Ways{1, 0}));
  EXPECT_EQ(count("transactions"), std::to_string(10 + 49 * 22 + 50 * 5));
  EXPECT_EQ(stats::get(block, stats::Word::postgres_errors), 0U);
}

// How often the process had a page of memory mapped so far: proc(5), minflt.
std::uint64_t page_faults(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 7; ++i)
    fields >> skipped;
  std::uint64_t faults = 0;
  fields >> faults;
  return faults;
}

TEST_F(CopyTest, TheSessionKeepsTheMemoryThatACopyFrees) {
  // Little that is shared, so that all of it is soon mapped.
  postgres.set("shared_buffers", "'1MB'");
  postgres.stop();
  postgres.start();
  PgStore store(options(), block);
  ASSERT_TRUE(store.connect());
  const std::string pid = postgres.query(
      "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> "
      "pg_backend_pid()");
  const auto copy_some = [&] {
    for (int i = 0; i < 3; ++i)
      ASSERT_EQ(write(store, sample.make_many(2000)), std::vector(2000, Outcome::committed));
  };
  copy_some();
  const auto before = page_faults(pid);
  copy_some();
  // Without kKeepMemoryStatement each has 290.
  EXPECT_LT(page_faults(pid) - before, 3 * 100U);
}

}  // namespace
}  // namespace txindex::store
