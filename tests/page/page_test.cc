// The admin port's page in a real browser: tests/page/page_test.mjs, on the real admin process.
#include <gtest/gtest.h>

#include "page/acted_service.h"
#include "support/admin_process.h"
#include "support/process.h"

namespace txindex::test {
namespace {

TEST(PageTest, PeopleSeeWhatHappens) {
  auto segment = stats::Segment::create().value();
  ActedService service(segment, 2);
  AdminProcess admin(segment);
  const auto looked =
      run({TXINDEX_SOURCE_DIR "/tests/page/run.sh", admin.address(), TXINDEX_PAGE_FOLDER});
  EXPECT_EQ(looked.status, 0) << looked.output;
}

}  // namespace
}  // namespace txindex::test
