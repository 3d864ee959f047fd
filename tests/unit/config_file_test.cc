// The configuration file: its syntax, and what is said of one that is wrong.
#include <sstream>

#include "config/file.h"
#include "config/settings.h"
#include "unit/config_fixture.h"

namespace txindex::config {
namespace {

class ConfigFileTest : public ConfigTest {};

TEST_F(ConfigFileTest, ACommentStandsBehindWhiteSpaceOnly) {
  std::istringstream file("a =#1\nb = #1\nc = x#1 # 2\n");
  const auto entries = read_entries(file);
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 3U);
  EXPECT_EQ((*entries)[0].value, "#1");
  EXPECT_EQ((*entries)[1].value, "");
  EXPECT_EQ((*entries)[2].value, "x#1");
}

TEST_F(ConfigFileTest, SectionsCommentsAndQuotationMarksAreUnderstood) {
  const auto got = config({"--config", file("\n"
                                            "# comment\n"
                                            "listen=127.1.2.3:1\r\n"
                                            "database = \"password='a # b\\\"\\\\'\" # comment\n"
                                            "batch.max_rows = 5\t# comment\n"
                                            "  [index] # comment\n"
                                            "  level = transactions\n"
                                            "[log]\n"
                                            "file = /tmp/a#b")});
  EXPECT_EQ(got.listen, (Endpoint{"127.1.2.3", 1}));
  EXPECT_EQ(got.database, "password='a # b\"\\'");
  EXPECT_EQ(got.batch_max_rows, 5u);
  EXPECT_EQ(got.index_level, IndexLevel::transactions);
  EXPECT_EQ(got.log_file, "/tmp/a#b");
}

TEST_F(ConfigFileTest, WhatIsPrintedReadsBackWhateverTheTextHolds) {
  Config odd;
  for (const char* text :
       {"",  " ",   "#",   "a #b", "a#b",   "\"", "\"a\"", "\\n",       "a\nb = c", "\t",
        "'", "[x]", "a\r", "true", "[1,2]", "=",  "-x",    "--workers", "{}",       "%%"}) {
    odd.database = text;
    EXPECT_EQ(config({"--config", file(print(odd))}), odd) << text;
  }
}

TEST_F(ConfigFileTest, AnUnknownKeyIsNamedWithItsLineAndItsLikelyMeaning) {
  EXPECT_EQ(file_error("\n[index]\nlevle = accounts\n"),
            path() + ":3: index.levle: there is no such key; did you mean index.level?");
  EXPECT_HAS(file_error("utterly_different = 1\n"), ":1: utterly_different: there is no such key");
}

TEST_F(ConfigFileTest, ABadValueIsNamedWithItsLineAndWhatIsAllowed) {
  EXPECT_EQ(
      file_error("# x\nindex.level = everything\n"),
      path() + ":2: index.level: 'everything' is not one of transactions, accounts, instructions");
  EXPECT_HAS(file_error("workers = 257\n"), "workers: '257' is not a whole number from 0 to 256");
  EXPECT_HAS(file_error("workers =\n"), "workers: '' is not a whole number");
  EXPECT_HAS(file_error("workers = 1x\n"), "workers: '1x'");
  EXPECT_HAS(file_error("workers = -1\n"), "workers: '-1'");
  EXPECT_HAS(file_error("batch.linger = 2s\n"),
             "batch.linger: '2s' is not a duration from 0s to 1s");
  EXPECT_HAS(file_error("batch.max_bytes = 1KiB\n"), "from 64KiB to 512MiB");
  EXPECT_HAS(file_error("migrate = yes\n"), "migrate: 'yes' is not true or false");
  EXPECT_HAS(file_error("listen = 9400\n"), ":1: listen: ");
  EXPECT_HAS(file_error("listen = 1.2.3.4:65536\n"), ":1: listen: ");
}

TEST_F(ConfigFileTest, ABadValueInTheFileIsAnErrorEvenWhenItIsOverridden) {
  file("workers = many\n");
  EXPECT_HAS(error({"--config", path(), "--workers", "2"}), ":1: workers: 'many'");
  set("TXINDEXD_WORKERS", "2");
  EXPECT_HAS(error({"--config", path()}), ":1: workers: 'many'");
}

TEST_F(ConfigFileTest, AKeyGivenTwiceIsAnError) {
  EXPECT_EQ(file_error("[index]\nlevel = accounts\n[index]\nlevel = accounts\n"),
            path() + ":4: index.level: given twice, first in line 2");
}

TEST_F(ConfigFileTest, LinesThatAreNoSettingAreErrors) {
  EXPECT_HAS(file_error("workers\n"), ":1: expected key = value");
  EXPECT_HAS(file_error("= 3\n"), ":1: expected key = value");
  EXPECT_HAS(file_error("Workers = 3\n"), ":1: expected key = value");
  EXPECT_HAS(file_error("[index\n"), ":1: expected [section]");
  EXPECT_HAS(file_error("[\n"), ":1: expected [section]");
  EXPECT_HAS(file_error("[]\n"), ":1: expected [section]");
  EXPECT_HAS(file_error("database = \"a\n"), ":1: database: the closing quotation mark is missing");
  EXPECT_HAS(file_error("database = \"a\" b\n"), ":1: database: only a comment");
  EXPECT_HAS(file_error("database = \"\\x\"\n"), ":1: database: after a backslash");
  EXPECT_HAS(file_error(std::string("workers = 1\0\n", 13)), "NUL");
}

TEST_F(ConfigFileTest, ASyntaxErrorDoesNotRepeatALineThatMayHoldAPassword) {
  EXPECT_EQ(file_error("password secret\n").find("secret"), std::string::npos);
}

TEST_F(ConfigFileTest, AFileThatCannotBeReadIsAnErrorThatNamesIt) {
  EXPECT_HAS(error({"--config", path()}), path() + ": cannot be read: No such file");
  set("TXINDEXD_CONFIG", path());
  EXPECT_HAS(error({}), path() + ": cannot be read: No such file");
  EXPECT_HAS(error({"--config", "/"}), "/: cannot be read");
}

}  // namespace
}  // namespace txindex::config
