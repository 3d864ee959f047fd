// The admin port's page in a real browser, on the real service under load:
// tests/page/page_test.mjs, which kills a worker.
#include <gtest/gtest.h>
#include <signal.h>

#include "support/postgres.h"
#include "support/process.h"
#include "support/server.h"

namespace txindex::test {
namespace {

TEST(PageTest, PeopleSeeWhatHappens) {
  PostgresCluster postgres;
  Server server(postgres.conninfo(), {"--workers=2"});
  const std::string address = server.admin_address();
  ASSERT_NE(address, "") << server.log();
  TempDir dir;
  Process::Options options;
  options.output_file = dir / "load";
  Process load({TXINDEX_BINARY, "load", "--server", server.address(), "--connections=4",
                "--rate=1000", "--ahead=2000", "--duration=300"},
               options);
  const auto looked = run({TXINDEX_SOURCE_DIR "/tests/page/run.sh", address, TXINDEX_PAGE_FOLDER});
  EXPECT_EQ(looked.status, 0) << looked.output << read_file(dir / "load") << server.log();
  EXPECT_TRUE(load.running()) << read_file(dir / "load");
  load.signal(SIGKILL);
  load.wait();
  EXPECT_EQ(server.stop(), 0) << server.log();
}

}  // namespace
}  // namespace txindex::test
