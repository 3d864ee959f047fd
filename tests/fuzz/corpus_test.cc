// The fuzz targets over what the corpora hold, and over a little that is near to it: so that every
// build, by whatever compiler, runs them. Looking for more is scripts/fuzz.sh's.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/target.h"
#include "support/random.h"

namespace txindex::fuzz {
namespace {

namespace fs = std::filesystem;

const fs::path kCorpora = fs::path(TXINDEX_SOURCE_DIR) / "tests/fuzz/corpus";
constexpr std::size_t kAllBytesMax = 500 * 1000;
constexpr int kVariants = 20;

using Input = std::vector<std::uint8_t>;

char under_way[512];

void name_the_input(int) {
  if (::write(STDERR_FILENO, under_way, std::strlen(under_way)) < 0) _exit(1);
}

Input content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// A byte changed, dropped or doubled, or the end cut off, or several of these.
Input near(Input input, test::Random& random) {
  for (std::size_t n = 1 + random.below(3); n > 0 && !input.empty(); --n) {
    const std::size_t at = random.below(input.size());
    const auto place = input.begin() + static_cast<std::ptrdiff_t>(at);
    switch (random.below(4)) {
      case 0:
        *place = static_cast<std::uint8_t>(random.below(256));
        break;
      case 1:
        input.erase(place);
        break;
      case 2:
        input.insert(place, *place);
        break;
      default:
        input.resize(at);
    }
  }
  return input;
}

class Corpus : public testing::TestWithParam<std::string> {
 protected:
  static void SetUpTestSuite() {
    be_quiet();
    ::signal(SIGABRT, name_the_input);
  }
};

TEST_P(Corpus, EveryInputKeepsWhatMustHold) {
  const Target target = targets().at(GetParam());
  const std::uint64_t seed = test::fresh_seed();
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(kCorpora / GetParam())) {
    const Input input = content(entry.path());
    std::snprintf(under_way, sizeof under_way, "input: %s\n", entry.path().c_str());
    target(input);
    test::Random variants(seed);
    for (int i = 0; i < kVariants; ++i) {
      std::snprintf(under_way, sizeof under_way,
                    "input: %s, variant %d of TXINDEX_TEST_SEED=%llu\n", entry.path().c_str(), i,
                    static_cast<unsigned long long>(seed));
      target(near(input, variants));
    }
    ++files;
  }
  EXPECT_GE(files, 3U) << "a corpus without examples";
  target({});
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& [name, target] : targets())
    all.push_back(name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, testing::ValuesIn(names()),
                         [](const auto& test) { return test.param; });

TEST(Corpora, EveryTargetHasOneAndTheyStaySmall) {
  std::size_t bytes = 0;
  std::vector<std::string> folders;
  for (const auto& entry : fs::recursive_directory_iterator(kCorpora)) {
    if (entry.is_directory()) folders.push_back(entry.path().filename());
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  std::sort(folders.begin(), folders.end());
  EXPECT_EQ(folders, names());
  EXPECT_LT(bytes, kAllBytesMax);
}

}  // namespace
}  // namespace txindex::fuzz
