// Partitions are dropped beside writers, who must not notice, and readers, who may put it off.
#include <pqxx/pqxx>
#include <thread>

#include "log/log.h"
#include "store/retention_fixture.h"
#include "support/temp_dir.h"

namespace txindex::store {
namespace {

using namespace std::chrono_literals;
using stats::Word;
using test::kMinute;
using wire::Outcome;

class RetentionBesideOthersTest : public RetentionTest {
 protected:
  // Writes into the current hour on a thread of its own.
  class Ingest {
   public:
    Ingest(const PgStore::Options& options, test::SampleRows& sample, std::int64_t time,
           stats::Block& block)
        : store_(options, block), thread_([this, &sample, time] {
            while (!done_) {
              auto rows = sample.make_many(20, time, {.raw_bytes = 100, .accounts = 1});
              ASSERT_TRUE(store_.write(rows));
              for (const Row& row : rows)
                ASSERT_EQ(row.outcome, Outcome::committed);
              batches_ += 1;
            }
          }) {
      EXPECT_TRUE(goes_on());
    }
    ~Ingest() {
      done_ = true;
      thread_.join();
    }
    bool goes_on(int n = 20) {
      const int before = batches_;
      return test::eventually([&] { return batches_ >= before + n; });
    }

   private:
    std::atomic<bool> done_ = false;
    std::atomic<int> batches_ = 0;
    PgStore store_;
    std::thread thread_;
  };
};

TEST_F(RetentionBesideOthersTest, ALongQueryPutsTheDropOffAndKeepsNoWriterWaiting) {
  store_hours({0, 9});
  Ingest ingest(options(), sample, hours_ago(0), block);
  pqxx::connection analyst(postgres.conninfo());
  const std::string leaf = postgres.query(
      "SELECT leaf FROM txindex.leaves() WHERE parent = 'transactions' ORDER BY period LIMIT 1");
  auto o = maintenance();
  o.lock_timeout = 1500ms;
  for (const std::string& table :
       {std::string("txindex.transaction_accounts"), std::string("txindex.instructions"), leaf}) {
    SCOPED_TRACE(table);
    test::TempDir dir;
    const std::string log = dir / "log";
    ASSERT_TRUE(log::initialise({.level = "debug", .file = log}, "test"));
    pqxx::work reading(analyst);
    reading.exec("SELECT count(*) FROM " + table);
    {
      stats::Block own{};
      Maintenance working(o, own);
      EXPECT_TRUE(test::eventually([&] {
        const std::string text = test::read_file(log);
        const auto first = text.find("cannot be dropped yet");
        return first != std::string::npos &&
               text.find("cannot be dropped yet", first + 1) != std::string::npos;
      }));
      EXPECT_TRUE(ingest.goes_on());
      EXPECT_EQ(stats::get(own, Word::partitions_dropped), 0U);
    }
    ASSERT_TRUE(log::initialise({}, "test"));
    const std::string said = test::read_file(log);
    EXPECT_NE(said.find("in use by process " + std::to_string(analyst.backendpid())),
              std::string::npos);
    EXPECT_EQ(partitions(), "0 9");
    // Not even for the lock timeout did a writer wait: nothing was asked for that had to.
    EXPECT_EQ(said.find("its tables are in use\""), std::string::npos) << said;
  }
  stats::Block own{};
  Maintenance working(maintenance(), own);
  EXPECT_TRUE(eventually_partitions("0")) << "once nobody reads";
  EXPECT_TRUE(ingest.goes_on());
}

TEST_F(RetentionBesideOthersTest, IngestGoesOnWhileManyPartitionsAreDropped) {
  store_hours({0, 8, 9, 10, 11, 12, 13, 14, 15});
  Ingest ingest(options(), sample, hours_ago(0), block);
  stats::Block own{};
  Maintenance working(maintenance(), own);
  EXPECT_TRUE(counted(Word::partitions_dropped, 8, own));
  EXPECT_TRUE(ingest.goes_on());
  EXPECT_EQ(partitions(), "0");
  EXPECT_EQ(deadlocks(), "0");
  EXPECT_EQ(stats::get(block, Word::postgres_errors), 0U);
  EXPECT_EQ(stats::get(block, Word::postgres_bisections), 0U);
}

TEST_F(RetentionBesideOthersTest, ShortQueriesWithoutEndDoNotPutItOffForEver) {
  store_hours({0, 9});
  std::atomic<bool> done = false;
  std::vector<std::thread> analysts;
  for (const std::string seconds : {"0.9", "1.0", "1.1"}) {
    analysts.emplace_back([&, seconds] {
      while (!done)
        postgres.query("SELECT pg_sleep(" + seconds +
                       ") FROM (SELECT FROM txindex.transactions LIMIT 1) x");
    });
  }
  EXPECT_TRUE(test::eventually([&] {
    return postgres.query("SELECT count(*) >= 3 FROM txindex.period_users(now())") == "t";
  }));
  {
    auto o = maintenance();
    o.lock_timeout = 200ms;
    stats::Block own{};
    Maintenance working(o, own);
    EXPECT_TRUE(eventually_partitions("0"));
  }
  done = true;
  for (auto& analyst : analysts)
    analyst.join();
}

// Else the two could wait for each other.
TEST_F(RetentionBesideOthersTest, TheDropLocksTheTablesInTheOrderOfTheWriters) {
  store_hours({9, 10, 11, 12, 13});
  pqxx::connection other(postgres.conninfo());
  std::string before;
  for (const std::string table : {"boundary_transactions", "transactions", "transaction_accounts",
                                  "transaction_lookups", "instructions"}) {
    auto using_it = std::make_unique<pqxx::work>(other);
    using_it->exec("LOCK TABLE ONLY txindex." + table + " IN ACCESS SHARE MODE");
    std::thread dropping([&] {
      EXPECT_NE(postgres.query("SELECT count(*) FROM (SELECT min(period) AS first FROM"
                               " txindex.leaves()) x, txindex.drop_period(first, now())"),
                "0");
    });
    EXPECT_TRUE(test::eventually([&] {
      return postgres.query(
                 "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation ="
                 " 'txindex." +
                 table + "'::regclass") == "1";
    }));
    EXPECT_EQ(postgres.query("SELECT string_agg(relation::regclass::text, ' ' ORDER BY"
                             " relation::regclass::text) FROM pg_locks WHERE granted AND"
                             " relation IS NOT NULL AND mode = 'AccessExclusiveLock'"),
              before);
    using_it.reset();
    dropping.join();
    before = postgres.query("SELECT string_agg(t, ' ' ORDER BY t) FROM unnest(string_to_array('" +
                            before + "', ' ') || 'txindex." + table + "'::text) t");
  }
}

// A query that begins between the look at the tables' users and the drop.
TEST_F(RetentionBesideOthersTest, TheDropItselfGivesUpAfterTheLockTimeout) {
  store_hours({0, 9});
  pqxx::connection analyst(postgres.conninfo());
  pqxx::work reading(analyst);
  reading.exec("SELECT count(*) FROM txindex.transactions");
  const auto begin = flow::steady_us();
  EXPECT_THROW(postgres.query("SET lock_timeout = '300ms'; SELECT count(*) FROM"
                              " txindex.periods_before(now() - interval '5 hours') p,"
                              " txindex.drop_period(p, now())"),
               pqxx::sql_error);
  EXPECT_LT(flow::steady_us() - begin, 10'000'000);
  EXPECT_EQ(partitions(), "0 9");
}

// A writer that was held up for longer than time.max_age allows for brings a transaction into a
// period that is being dropped again and again: it is stored all the same, and never refused.
TEST_F(RetentionBesideOthersTest, AWriterThatNeedsADroppedPartitionMakesItAgain) {
  stats::Block own{};
  auto o = maintenance();
  o.interval = 1ms;
  o.lock_timeout = 20ms;
  Maintenance working(o, own);
  PgStore first(options(IndexLevel::instructions), block);
  stats::Block other_block{};
  PgStore second(options(IndexLevel::transactions), other_block);
  for (int i = 0; i < 10'000 && stats::get(own, Word::partitions_dropped) < 10; ++i) {
    // In the middle of the hour and close to its end.
    for (const std::int64_t time : {hours_ago(9), hours_ago(9) + 29 * kMinute}) {
      EXPECT_EQ(write(first, sample.make_many(5, time)), std::vector(5, Outcome::committed));
      EXPECT_EQ(write_one(second, sample.make(time)), Outcome::committed);
    }
  }
  EXPECT_GE(stats::get(own, Word::partitions_dropped), 10U);
  EXPECT_EQ(deadlocks(), "0");
}

}  // namespace
}  // namespace txindex::store
