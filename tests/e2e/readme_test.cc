// The clients that the README shows are run as they stand there, but for the port.
#include <gtest/gtest.h>

#include "support/postgres.h"
#include "support/process.h"
#include "support/server.h"

namespace txindex::test {
namespace {

std::string readme() {
  return read_file(TXINDEX_SOURCE_DIR "/README.md");
}

std::string with_port(std::string text, std::uint16_t port) {
  const auto at = text.find("9400");
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, 4, std::to_string(port));
}

class ReadmeTest : public testing::Test {
 protected:
  PostgresCluster postgres_;
  Server server_{postgres_.conninfo(), {"--workers", "1"}};
  TempDir dir_;
};

TEST_F(ReadmeTest, TheClientInPythonWorks) {
  const std::string text = readme();
  const auto begin = text.find("```python\n");
  ASSERT_NE(begin, std::string::npos);
  const auto end = text.find("```\n", begin + 10);
  const std::string script = text.substr(begin + 10, end - begin - 10);
  write_file(dir_ / "client.py", with_port(script, server_.port()));
  const std::string first = TXINDEX_TEST_DATA "/solana_mainnet_1.bin";
  const std::string second = TXINDEX_TEST_DATA "/solana_mainnet_2.bin";
  write_file(dir_ / "bad", "no transaction");
  const std::string bad = dir_ / "bad";
  const Ran ran = run({"python3", dir_ / "client.py", first, bad, second, first});
  EXPECT_EQ(ran.status, 0);
  // Of the same one twice, it is the one that was written first that is new.
  const auto expected = [&](const char* once, const char* again) {
    return first + once + bad + " 2\n" + second + " 0\n" + first + again;
  };
  if (ran.output != expected(" 1\n", " 0\n")) {
    EXPECT_EQ(ran.output, expected(" 0\n", " 1\n"));
  }
}

TEST_F(ReadmeTest, TheClientInOneLineOfShellWorks) {
  const std::string text = readme();
  const auto begin = text.find("base64 -w 0 transaction.bin | nc");
  ASSERT_NE(begin, std::string::npos);
  const std::string line =
      with_port(text.substr(begin, text.find('\n', begin) - begin), server_.port());
  const Ran copied =
      run({"cp", TXINDEX_TEST_DATA "/solana_mainnet_2.bin", dir_ / "transaction.bin"});
  ASSERT_EQ(copied.status, 0) << copied.output;
  const Ran ran = run({"sh", "-c", "cd " + dir_.path().string() + " && " + line});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.output.rfind("committed ", 0), 0U) << ran.output;
}

}  // namespace
}  // namespace txindex::test
