// What breaks promises for the tests' sake is in no program that is released.
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "support/process.h"

namespace txindex::test {
namespace {

namespace fs = std::filesystem;

// Of names in the environment, but not the macro.
bool names_a_switch(const std::string& text) {
  static const std::string kPrefix = "TXINDEX_TEST_";
  for (auto at = text.find(kPrefix); at != std::string::npos; at = text.find(kPrefix, at + 1)) {
    if (text.compare(at + kPrefix.size(), 8, "SWITCHES") != 0) return true;
  }
  return false;
}

// A file for what breaks promises, and one for what an intruder would do.
TEST(TestSwitches, AreNamedInTwoPlacesOfTheSource) {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(TXINDEX_SOURCE_DIR) / "src")) {
    if (!entry.is_regular_file() || !names_a_switch(read_file(entry.path()))) continue;
    found.push_back(entry.path().stem());
  }
  ASSERT_FALSE(found.empty());
  for (const auto& stem : found)
    EXPECT_TRUE(stem == "test_switches" || stem == "sandbox_trial") << stem;
}

// The objects are compiled as those of a release are.
TEST(TestSwitches, AreNotInWhatIsCompiledWithoutThem) {
  std::istringstream objects(TXINDEX_RELEASED_OBJECTS);
  int looked_at = 0;
  for (std::string object; std::getline(objects, object, '|');) {
    const std::string code = read_file(object);
    ASSERT_FALSE(code.empty()) << object;
    EXPECT_FALSE(names_a_switch(code)) << object;
    EXPECT_EQ(code.find("crash_point"), std::string::npos) << object;
    EXPECT_EQ(code.find("flow6broken"), std::string::npos) << object;
    EXPECT_EQ(code.find("trespass"), std::string::npos) << object;
    ++looked_at;
  }
  EXPECT_EQ(looked_at, 3);
}

#ifdef TXINDEX_TEST_SWITCHES
TEST(TestSwitches, AreInThisBuild) {
  EXPECT_TRUE(names_a_switch(read_file(TXINDEXD_BINARY))) << "this test looks for the wrong thing";
}
#else
TEST(TestSwitches, AreNotInThisBuild) {
  EXPECT_FALSE(names_a_switch(read_file(TXINDEXD_BINARY)));
}
#endif

// If a release has been built too.
TEST(TestSwitches, AreNotInTheReleasedProgram) {
  const fs::path released = fs::path(TXINDEX_SOURCE_DIR) / "build" / "release" / "txindexd";
  if (!fs::exists(released)) GTEST_SKIP() << "no release build at " << released;
  EXPECT_FALSE(names_a_switch(read_file(released)));
}

}  // namespace
}  // namespace txindex::test
