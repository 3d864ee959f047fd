// The setting `retention` reaches the workers of the real server.
#include <gtest/gtest.h>

#include "support/postgres.h"
#include "support/sending.h"
#include "support/server.h"

namespace txindex::test {
namespace {

class RetentionSettingTest : public testing::Test {
 protected:
  RetentionSettingTest() {
    const Ran ran = run({TXINDEXD_BINARY, "migrate", "--database=" + postgres_.conninfo()});
    EXPECT_EQ(ran.status, 0) << ran.output;
    postgres_.query("SELECT txindex.ensure_partitions(ARRAY[now() - interval '10 hours'])");
  }
  std::string partitions() {
    return postgres_.query("SELECT count(*) FROM txindex.leaves() WHERE parent = 'transactions'");
  }

  PostgresCluster postgres_;
};

TEST_F(RetentionSettingTest, PartitionsPastItAreDroppedOnceForAllWorkers) {
  Server server(postgres_.conninfo(),
                {"--workers=3", "--retention=3h", "--time-max-age=2h", "--log-format=json"});
  EXPECT_TRUE(server.logs("partition dropped")) << server.log();
  EXPECT_TRUE(eventually([&] { return partitions() == "0"; }));
  EXPECT_EQ(server.stop(), 0) << server.log();
  const std::string log = server.log();
  EXPECT_EQ(log.find("partition dropped"), log.rfind("partition dropped")) << log;
}

TEST_F(RetentionSettingTest, WithoutItNothingIsDropped) {
  Server server(postgres_.conninfo(), {"--workers=1", "--time-max-age=2h"});
  TempDir dir;
  EXPECT_EQ(send(server.address(), generate(dir, 100))["committed"], 100);
  // The one that would do it is there.
  EXPECT_TRUE(eventually([&] {
    return postgres_.query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "1";
  }));
  EXPECT_EQ(server.stop(), 0);
  EXPECT_EQ(partitions(), "2");
}

}  // namespace
}  // namespace txindex::test
