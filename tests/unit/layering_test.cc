// The house rules of the source tree: who may include whom, where each library may appear, and that
// the README tells the truth about the folders.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "support/process.h"

namespace txindex {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

const fs::path kRoot = TXINDEX_SOURCE_DIR;

// What the files of a folder below src/ may include from other folders below src/. Everybody may
// include include/txindex. Whoever adds an arrow here says in the commit why it does not make a
// circle.
const std::map<std::string, Names> kMayInclude = {
    {"wire", {}},
    {"text", {}},
    {"log", {}},
    {"stats", {"log"}},
    {"chain", {"wire"}},
    {"flow", {"chain", "stats", "log"}},
    {"verify", {"chain", "flow", "stats", "log"}},
    {"batch", {"chain", "flow", "stats", "log"}},
    {"net", {"access", "chain", "flow", "stats", "log", "tls"}},
    {"store", {"chain", "flow", "stats", "log", "text"}},
    {"config", {"log", "text"}},
    {"tls", {}},
    {"access", {"config", "stats", "text", "tls"}},
    {"admin", {"flow", "stats", "log"}},
    {"process",
     {"access", "admin", "batch", "chain", "config", "flow", "log", "net", "stats", "store",
      "verify"}},
    {"client", {"tls"}},
    {"tools", {"access", "chain", "log", "text", "verify"}},
};

struct Library {
  std::regex header;
  Names folders;
};
const std::vector<Library> kLibraries = {
    {std::regex("pqxx/.*|libpq-fe\\.h"), {"store"}},
    {std::regex("sodium\\.h|sodium/.*"), {"verify", "tools"}},
    {std::regex("openssl/.*"), {"access", "tls"}},
    {std::regex("boost/asio.*"), {"admin", "net", "process", "tools"}},
    {std::regex("boost/beast.*"), {"admin", "tools"}},
    {std::regex("prometheus/.*"), {"admin"}},
    {std::regex("systemd/.*"), {"process"}},
    {std::regex("seccomp\\.h"), {"process"}},
    {std::regex("CLI/.*"), {"config", "tools"}},
    {std::regex("spdlog/.*"), {"log"}},
};

struct Include {
  fs::path file;
  int line;
  std::string header;
};

std::vector<Include> includes_below(const fs::path& folder) {
  static const std::regex pattern("^\\s*#\\s*include\\s*[<\"]([^>\"]+)[>\"]");
  std::vector<Include> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (extension != ".h" && extension != ".cc") continue;
    std::ifstream in(entry.path());
    std::string text;
    for (int line = 1; std::getline(in, text); ++line) {
      std::smatch match;
      if (std::regex_search(text, match, pattern)) found.push_back({entry.path(), line, match[1]});
    }
  }
  return found;
}

Names folders_of(const fs::path& parent) {
  Names names;
  for (const auto& entry : fs::directory_iterator(parent)) {
    if (entry.is_directory()) names.insert(entry.path().filename());
  }
  return names;
}

std::string where(const Include& include) {
  return fs::relative(include.file, kRoot).string() + ":" + std::to_string(include.line) +
         " includes " + include.header;
}

TEST(Layering, EveryFolderHasARule) {
  Names ruled;
  for (const auto& [folder, allowed] : kMayInclude)
    ruled.insert(folder);
  EXPECT_EQ(folders_of(kRoot / "src"), ruled);
}

TEST(Layering, IncludesGoOneWay) {
  std::size_t looked_at = 0;
  for (const auto& [folder, allowed] : kMayInclude) {
    for (const auto& include : includes_below(kRoot / "src" / folder)) {
      const std::string target = include.header.substr(0, include.header.find('/'));
      if (kMayInclude.count(target) == 0 || target == folder) continue;
      ++looked_at;
      EXPECT_TRUE(allowed.count(target)) << where(include);
    }
  }
  EXPECT_GT(looked_at, 30U) << "the pattern finds no includes any more";
}

TEST(Layering, TheRulesHaveNoCircle) {
  std::map<std::string, Names> left = kMayInclude;
  while (!left.empty()) {
    Names free;
    for (const auto& [folder, needs] : left) {
      if (needs.empty()) free.insert(folder);
    }
    ASSERT_FALSE(free.empty()) << "a circle among " << left.begin()->first << " and others";
    for (const auto& folder : free)
      left.erase(folder);
    for (auto& [folder, needs] : left) {
      for (const auto& done : free)
        needs.erase(done);
    }
  }
}

TEST(Layering, PublicHeadersNeedNothingFromSrc) {
  const Names inside = folders_of(kRoot / "src");
  for (const auto& include : includes_below(kRoot / "include")) {
    EXPECT_EQ(inside.count(include.header.substr(0, include.header.find('/'))), 0U)
        << where(include);
  }
}

TEST(Layering, EachLibraryAppearsOnlyWhereItBelongs) {
  for (const auto& include : includes_below(kRoot / "src")) {
    const auto folder = fs::relative(include.file, kRoot / "src").begin()->string();
    for (const auto& library : kLibraries) {
      if (!std::regex_match(include.header, library.header)) continue;
      EXPECT_TRUE(library.folders.count(folder)) << where(include);
    }
  }
}

TEST(Layering, TheReadmeNamesEveryFolderAndNoOther) {
  const std::string readme = test::read_file(kRoot / "README.md");
  static const std::regex row("\\| `(src/[a-z]+)/` \\|");
  Names named;
  for (std::sregex_iterator at(readme.begin(), readme.end(), row), end; at != end; ++at) {
    named.insert((*at)[1].str().substr(4));
  }
  EXPECT_EQ(named, folders_of(kRoot / "src"));
}

}  // namespace
}  // namespace txindex
