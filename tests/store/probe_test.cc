// Is a server fit to be written to? What is not is refused before a worker is ready.
#include <gtest/gtest.h>

#include "store/store_fixture.h"

namespace txindex::store {
namespace {

using namespace std::chrono_literals;

class ProbeTest : public StoreFixture {
 protected:
  // Refused, with the setting and the address named.
  void expect_refused(const PgStore::Options& o, const std::string& why) {
    const auto probed = PgStore::probe(o);
    ASSERT_FALSE(probed);
    EXPECT_NE(probed.error().message.find(why), std::string::npos) << probed.error().message;
    EXPECT_NE(probed.error().message.find(":5432/postgres"), std::string::npos);
    EXPECT_EQ(probed.error().message.find('\n'), std::string::npos);
    EXPECT_EQ(probed.error().exit_status, kExitConfiguration);
  }
};

TEST_F(ProbeTest, AServerThatIsFitIsTaken) {
  const auto probed = PgStore::probe(options());
  EXPECT_TRUE(probed) << probed.error().message;
}

TEST_F(ProbeTest, FsyncOffIsRefusedUnlessAllowed) {
  postgres.stop();
  postgres.start({{"fsync", "off"}});
  expect_refused(options(), "fsync");
  auto allowed = options();
  allowed.allow_unsafe_durability = true;
  EXPECT_TRUE(PgStore::probe(allowed));
}

TEST_F(ProbeTest, SynchronousCommitCountsAsItIsInTheSession) {
  postgres.query("ALTER ROLE postgres SET synchronous_commit = off");
  expect_refused(options(), "synchronous_commit");
  for (const std::string value : {"local", "remote_write", "on", "remote_apply"}) {
    postgres.query("ALTER ROLE postgres SET synchronous_commit = " + value);
    EXPECT_TRUE(PgStore::probe(options())) << value;
  }
}

TEST_F(ProbeTest, AServerInRecoveryIsRefused) {
  postgres.stop();
  test::write_file(postgres.data_path() / "standby.signal", "");
  postgres.start();
  expect_refused(options(), "recovery");
}

TEST_F(ProbeTest, AServerWhoseTransactionsAreReadOnlyIsRefused) {
  postgres.query("ALTER ROLE postgres SET default_transaction_read_only = on");
  expect_refused(options(), "default_transaction_read_only is on");
}

TEST_F(ProbeTest, ASchemaOfAnotherVersionOrIntervalIsRefused) {
  auto other = options();
  other.partition_interval = 2h;
  expect_refused(other, "partition interval");
  postgres.query("INSERT INTO txindex.schema_migrations (version, name) VALUES (999, 'future')");
  expect_refused(options(), "999");
  postgres.query("DROP SCHEMA txindex CASCADE");
  expect_refused(options(), "migrate");
}

TEST_F(ProbeTest, AnUnreachableServerIsNoMistakeOfConfiguration) {
  postgres.stop();
  const auto probed = PgStore::probe(options());
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().exit_status, kExitFailure);
}

TEST_F(ProbeTest, AWindowOfMoreThanHalfAPartitionIsRefused) {
  auto o = options();
  o.dedup_window = 30min;
  EXPECT_TRUE(PgStore::validate(o));
  o.dedup_window = 30min + 1s;
  const auto valid = PgStore::validate(o);
  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().exit_status, kExitConfiguration);
}

}  // namespace
}  // namespace txindex::store
