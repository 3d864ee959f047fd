// PostgreSQL goes away, comes back, loses an answer, is not fit to be written to: nothing is lost,
// nothing is acknowledged that is not there.
#include <gtest/gtest.h>

#include <future>
#include <pqxx/except>
#include <thread>

#include "store/commit_protocol.h"
#include "store/cutting_proxy.h"
#include "store/store_fixture.h"

namespace txindex::store {
namespace {

using namespace std::chrono_literals;
using stats::Word;
using test::kMiddle;
using test::kMinute;
using wire::Outcome;

class OutageTest : public StoreFixture {
 protected:
  // Writes batches on a thread of its own until told to stop; every one must be committed.
  class Writing {
   public:
    Writing(const PgStore::Options& options, test::SampleRows& sample, stats::Block& block)
        : store_(options, block), thread_([this, &sample] {
            while (!done_) {
              auto rows = sample.make_many(50, kMiddle, {.raw_bytes = 100, .accounts = 2});
              ASSERT_TRUE(store_.write(rows));
              for (const Row& row : rows)
                ASSERT_EQ(row.outcome, Outcome::committed);
              batches_ += 1;
            }
          }) {}
    // Waits until n more batches are committed.
    bool goes_on(int n = 5) {
      const int before = batches_;
      return test::eventually([&] { return batches_ >= before + n; });
    }
    int end() {
      done_ = true;
      thread_.join();
      return batches_ * 50;
    }

   private:
    std::atomic<bool> done_ = false;
    std::atomic<int> batches_ = 0;
    PgStore store_;
    std::thread thread_;
  };

  // A write on a thread of its own, and whether it has returned.
  struct Pending {
    Pending(Store& store, std::vector<Row> to_write)
        : rows(std::move(to_write)), thread([this, &store] {
            written = store.write(rows);
            returned = true;
          }) {}
    ~Pending() { thread.join(); }
    std::vector<Row> rows;
    std::atomic<bool> returned = false;
    bool written = false;
    std::thread thread;
  };

  bool counted(Word word, std::uint64_t at_least) {
    return test::eventually([&] { return stats::get(block, word) >= at_least; });
  }
};

TEST_F(OutageTest, SessionsThatAreTerminatedLoseNothing) {
  Writing writing(options(), sample, block);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(writing.goes_on(3));
    postgres.query(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");
  }
  ASSERT_TRUE(writing.goes_on());
  const int rows = writing.end();
  EXPECT_EQ(count("transactions"), std::to_string(rows));
  EXPECT_EQ(count("transaction_accounts"), std::to_string(2 * rows));
  EXPECT_GE(stats::get(block, Word::postgres_connects), 2U);
}

TEST_F(OutageTest, StatementsThatAreCancelledAreSentAgain) {
  Writing writing(options(), sample, block);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(writing.goes_on(3));
    postgres.query(
        "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");
  }
  EXPECT_EQ(count("transactions"), std::to_string(writing.end()));
}

TEST_F(OutageTest, ARestartOfTheServerLosesNothing) {
  Writing writing(options(), sample, block);
  for (const auto mode :
       {test::PostgresCluster::Mode::fast, test::PostgresCluster::Mode::immediate}) {
    ASSERT_TRUE(writing.goes_on());
    postgres.stop(mode);
    postgres.start();
  }
  ASSERT_TRUE(writing.goes_on());
  EXPECT_EQ(count("transactions"), std::to_string(writing.end()));
}

TEST_F(OutageTest, WhatWasAcknowledgedOutlivesSigkillOfTheServer) {
  Writing writing(options(), sample, block);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(writing.goes_on());
    postgres.kill9();
    postgres.start();
  }
  ASSERT_TRUE(writing.goes_on());
  const int rows = writing.end();
  EXPECT_EQ(count("transactions"), std::to_string(rows));
  EXPECT_EQ(postgres.query("SELECT count(DISTINCT txid) FROM txindex.transactions"),
            std::to_string(rows));
}

TEST_F(OutageTest, ACommitWhoseAnswerIsLostIsCommittedAndOneRow) {
  test::CuttingProxy proxy(postgres.socket_path());
  auto through_proxy = options();
  through_proxy.conninfo += " host=" + proxy.host();
  PgStore store(through_proxy, block);
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);
  for (const std::int64_t time : {kMiddle, kMiddle + 29 * kMinute}) {
    // Some are another writer's already: those stay duplicates.
    const auto theirs = sample.make_many(10, time);
    stats::Block other_block{};
    PgStore other(options(), other_block);
    ASSERT_EQ(write(other, theirs), std::vector(10, Outcome::committed));
    const auto connects = stats::get(block, Word::postgres_connects);
    const auto ambiguous = stats::get(block, Word::postgres_ambiguous);

    auto rows = sample.make_many(90, time);
    rows.insert(rows.end(), theirs.begin(), theirs.end());
    proxy.cut_next_answer(10'000);
    const auto outcomes = write(store, rows);
    for (std::size_t i = 0; i < 100; ++i) {
      EXPECT_EQ(outcomes[i], i < 90 ? Outcome::committed : Outcome::duplicate) << i;
    }
    EXPECT_EQ(stats::get(block, Word::postgres_connects), connects + 1);
    EXPECT_EQ(stats::get(block, Word::postgres_ambiguous), ambiguous + 1);
  }
  EXPECT_EQ(proxy.cuts(), 2);
  EXPECT_EQ(count("transactions"), "201");
  EXPECT_EQ(count("transaction_accounts"), "603");
}

TEST_F(OutageTest, ALostAnswerInABatchWithABadRowIsFoundOutForItsNeighbours) {
  test::CuttingProxy proxy(postgres.socket_path());
  auto through_proxy = options();
  through_proxy.conninfo += " host=" + proxy.host();
  PgStore store(through_proxy, block);
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);
  auto rows = sample.make_many(100);
  proxy.cut_next_answer(10'000);
  // Stored by the first attempt, of which no answer comes; forbidden when it is sent again.
  rows[40].slot = 7;
  rows[40].has_slot = true;
  postgres.query(
      "CREATE FUNCTION public.only_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
      " IF new.slot = 7 AND EXISTS (SELECT FROM txindex.transactions WHERE slot = 7) THEN"
      " RAISE EXCEPTION 'again' USING ERRCODE = '23000'; END IF; RETURN new; END $$;"
      "CREATE TRIGGER only_once BEFORE INSERT ON txindex.transactions_20261121_1000"
      " FOR EACH ROW EXECUTE FUNCTION public.only_once()");
  const auto outcomes = write(store, rows);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(outcomes[i], i == 40 ? Outcome::refused_by_database : Outcome::committed) << i;
  }
  EXPECT_EQ(proxy.cuts(), 1);
}

// A cancelled wait for a synchronous replica is reported as a success, with a warning.
TEST_F(OutageTest, ACommitThatNoReplicaHasIsNotAcknowledged) {
  PgStore store(options(), block);
  ASSERT_TRUE(store.connect());
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);
  const auto waiting = [&] {
    return postgres.query("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") ==
           "1";
  };
  const auto cancel = [&] {
    postgres.query(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
  };
  // Commits wait from when PostgreSQL's checkpointer has read the new setting.
  const auto commits_wait = [&] {
    auto commit = std::async(std::launch::async, [&] {
      postgres.query("SELECT pg_logical_emit_message(true, 'test', '')");
    });
    while (commit.wait_for(1ms) != std::future_status::ready) {
      if (!waiting()) continue;
      cancel();
      commit.wait();
      return true;
    }
    return false;
  };
  postgres.query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  postgres.query("SELECT pg_reload_conf()");
  ASSERT_TRUE(test::eventually(commits_wait));
  {
    Pending pending(store, sample.make_many(10));
    for (std::uint64_t cancelled = 1; cancelled <= 2; ++cancelled) {
      EXPECT_TRUE(test::eventually(waiting));
      cancel();
      EXPECT_TRUE(counted(Word::postgres_ambiguous, cancelled));
    }
    EXPECT_TRUE(test::eventually(waiting));
    EXPECT_FALSE(pending.returned);
    postgres.query("ALTER SYSTEM RESET synchronous_standby_names");
    postgres.query("SELECT pg_reload_conf()");
    EXPECT_TRUE(test::eventually([&] { return pending.returned.load(); }));
    for (const Row& row : pending.rows)
      EXPECT_EQ(row.outcome, Outcome::committed);
  }
  EXPECT_EQ(count("transactions"), "11");
}

TEST_F(OutageTest, AWarningThatMeansNothingHoldsNothingUp) {
  PgStore store(options(), block);
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);
  postgres.query(
      "CREATE FUNCTION public.warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
      " RAISE WARNING 'I always say this'; RETURN new; END $$;"
      "CREATE TRIGGER warn BEFORE INSERT ON txindex.transactions_20261121_1000"
      " FOR EACH STATEMENT EXECUTE FUNCTION public.warn();"
      "CREATE TRIGGER warn_row BEFORE INSERT ON txindex.transactions_20261121_1000"
      " FOR EACH ROW EXECUTE FUNCTION public.warn()");
  auto rows = sample.make_many(2);
  EXPECT_EQ(write(store, rows), std::vector(2, Outcome::committed));
  rows.push_back(sample.make());
  EXPECT_EQ(write(store, {rows[0]}), std::vector(1, Outcome::duplicate));
}

TEST_F(OutageTest, WhatIsNoRowsFaultIsTriedAgainAndNeverBisected) {
  PgStore store(options(), block);
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);
  postgres.query(
      "CREATE FUNCTION public.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
      " RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$;"
      "CREATE TRIGGER full_disk BEFORE INSERT ON txindex.transactions_20261121_1000"
      " FOR EACH ROW EXECUTE FUNCTION public.full()");
  Pending pending(store, sample.make_many(100));
  EXPECT_TRUE(counted(Word::postgres_retries, 3));
  EXPECT_FALSE(pending.returned);
  postgres.query("DROP TRIGGER full_disk ON txindex.transactions_20261121_1000");
  EXPECT_TRUE(test::eventually([&] { return pending.returned.load(); }));
  for (const Row& row : pending.rows)
    EXPECT_EQ(row.outcome, Outcome::committed);
  EXPECT_EQ(stats::get(block, Word::postgres_bisections), 0U);
  EXPECT_EQ(stats::get(block, Word::postgres_connects), 1U);
}

TEST_F(OutageTest, StopEndsAWriteThatWaitsForAServerThatIsAway) {
  PgStore store(options(), block);
  ASSERT_TRUE(store.connect());
  postgres.stop();
  Pending pending(store, sample.make_many(10));
  EXPECT_TRUE(counted(Word::postgres_errors, 3));
  store.stop();
  EXPECT_TRUE(test::eventually([&] { return pending.returned.load(); }, 1s));
  EXPECT_FALSE(pending.written);
  EXPECT_FALSE(store.connect());
}

TEST_F(OutageTest, StopEndsAWriteThatWaitsForAServerThatHangs) {
  PgStore store(options(), block);
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);
  postgres.pause();
  {
    Pending pending(store, sample.make_many(10));
    EXPECT_FALSE(test::eventually([&] { return pending.returned.load(); }, 200ms));
    store.stop();
    EXPECT_TRUE(test::eventually([&] { return pending.returned.load(); }, 1s));
    EXPECT_FALSE(pending.written);
  }
  postgres.resume();
}

TEST_F(OutageTest, AServerThatHungGoesOnWhereItWas) {
  PgStore store(options(), block);
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);
  postgres.pause();
  Pending pending(store, sample.make_many(10));
  EXPECT_FALSE(test::eventually([&] { return pending.returned.load(); }, 200ms));
  postgres.resume();
  EXPECT_TRUE(test::eventually([&] { return pending.returned.load(); }));
  for (const Row& row : pending.rows)
    EXPECT_EQ(row.outcome, Outcome::committed);
  EXPECT_EQ(stats::get(block, Word::postgres_ambiguous), 0U);
}

TEST_F(OutageTest, ConnectWaitsForTheServer) {
  postgres.stop();
  PgStore store(options(), block);
  std::atomic<bool> connected = false;
  std::thread thread([&] { connected = store.connect(); });
  EXPECT_TRUE(counted(Word::postgres_errors, 2));
  EXPECT_FALSE(connected);
  postgres.start();
  EXPECT_TRUE(test::eventually([&] { return connected.load(); }));
  thread.join();
  EXPECT_EQ(stats::get(block, Word::postgres_connected), 1U);
}

TEST_F(OutageTest, AServerThatComesBackUnsafeIsNotWrittenTo) {
  PgStore store(options(), block);
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);
  postgres.stop();
  postgres.start({{"fsync", "off"}});
  Pending pending(store, sample.make_many(10));
  EXPECT_TRUE(counted(Word::postgres_errors, 3));
  EXPECT_FALSE(pending.returned);
  EXPECT_EQ(count("transactions"), "1");
  postgres.stop();
  postgres.start({});
  EXPECT_TRUE(test::eventually([&] { return pending.returned.load(); }));
  EXPECT_EQ(count("transactions"), "11");
}

// A session keeps what the default was when it began.
TEST_F(OutageTest, AServerThatWasReadOnlyIsWrittenToAgain) {
  PgStore store(options(), block);
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);
  postgres.query("ALTER DATABASE postgres SET default_transaction_read_only = on");
  postgres.query(
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
      " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");
  Pending pending(store, sample.make_many(10));
  EXPECT_TRUE(counted(Word::postgres_errors, 3));
  EXPECT_FALSE(pending.returned);
  postgres.query(
      "BEGIN READ WRITE; ALTER DATABASE postgres RESET default_transaction_read_only; COMMIT");
  EXPECT_TRUE(test::eventually([&] { return pending.returned.load(); }));
  EXPECT_EQ(count("transactions"), "11");
}

// One that was admitted.
TEST_F(OutageTest, ASessionThatBecomesReadOnlyIsGivenUp) {
  PgStore store(options(), block);
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);
  postgres.set("default_transaction_read_only", "on");
  // A session that begins now has it, so the other has been told.
  ASSERT_TRUE(test::eventually(
      [&] { return postgres.query("SHOW default_transaction_read_only") == "on"; }));
  Pending pending(store, sample.make_many(10));
  EXPECT_TRUE(counted(Word::postgres_errors, 3));
  EXPECT_FALSE(pending.returned);
  postgres.set("default_transaction_read_only", "off");
  EXPECT_TRUE(test::eventually([&] { return pending.returned.load(); }));
  EXPECT_EQ(count("transactions"), "11");
}

// Who looks at the statistics need not send a transaction to find out.
TEST_F(OutageTest, AWriterWithNothingToDoNoticesThatItsConnectionHasEndedAndMakesAnother) {
  PgStore store(options(), block);
  ASSERT_TRUE(store.connect());
  store.look_after();
  EXPECT_EQ(stats::get(block, Word::postgres_connects), 1U);
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);

  // Of this one the reason comes before the end.
  postgres.query(
      "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
      " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");
  store.look_after();
  EXPECT_EQ(stats::get(block, Word::postgres_connects), 2U);
  EXPECT_EQ(stats::get(block, Word::postgres_connected), 1U);

  postgres.kill9();
  for (int i = 0; i < 2; ++i) {
    store.look_after();
    EXPECT_EQ(stats::get(block, Word::postgres_connected), 0U);
  }
  postgres.start();
  EXPECT_TRUE(test::eventually([&] {
    store.look_after();
    return stats::get(block, Word::postgres_connected) == 1;
  }));
  const auto errors = stats::get(block, Word::postgres_errors);
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);
  EXPECT_EQ(stats::get(block, Word::postgres_errors), errors);
}

TEST_F(OutageTest, WithoutAConnectionAfterALookItIsWrittenAllTheSame) {
  PgStore store(options(), block);
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);
  postgres.stop(test::PostgresCluster::Mode::fast);
  store.look_after();
  ASSERT_EQ(stats::get(block, Word::postgres_connected), 0U);
  postgres.start();
  ASSERT_EQ(write_one(store, sample.make()), Outcome::committed);
  EXPECT_EQ(count("transactions"), "2");
}

// The first may be a symptom only. Two that take turns do not fill the log.
TEST(OutageLog, HasEachReasonAtOnceAndTheLastFromTimeToTime) {
  stats::Block block{};
  CommitProtocol::Time now{};
  CommitProtocol protocol({.address = "here",
                           .rule = {60 * kMinute, 10 * kMinute},
                           .backoff_min = 1ms,
                           .backoff_max = 1s,
                           .backoff_seed = 1,
                           .now = [&] { return now; }},
                          block);
  const auto logged = [&](std::chrono::seconds later, const std::string& reason) {
    now += later;
    testing::internal::CaptureStderr();
    protocol.failed({Verdict::broken, false, "", reason});
    protocol.waited();
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_TRUE(log.empty() || log.find(reason) != std::string::npos) << log;
    return !log.empty();
  };
  protocol.begin_connection();
  EXPECT_TRUE(logged(0s, "the connection is lost"));
  EXPECT_FALSE(logged(1s, "the connection is lost"));
  EXPECT_TRUE(logged(1s, "Connection refused"));
  EXPECT_TRUE(logged(1s, "password authentication failed"));
  EXPECT_FALSE(logged(1s, "Connection refused"));
  EXPECT_TRUE(logged(10s, "Connection refused"));
  EXPECT_FALSE(logged(59s, "Connection refused"));
  EXPECT_TRUE(logged(1s, "Connection refused"));
  EXPECT_EQ(protocol.step(), CommitProtocol::Step::connect);
  protocol.connected();
  EXPECT_EQ(protocol.step(), CommitProtocol::Step::done);
}

}  // namespace
}  // namespace txindex::store
