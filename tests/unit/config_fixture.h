// Configuration as a test gives it: words of a command line, variables of the environment, a file.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>
#include <vector>

#include "config/command_line.h"
#include "support/expect.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace txindex::config {

class ConfigTest : public ::testing::Test {
 protected:
  void TearDown() override {
    for (const auto& name : set_)
      unsetenv(name.c_str());
  }

  void set(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    set_.push_back(name);
  }

  std::string file(const std::string& text) {
    test::write_file(path(), text);
    return path();
  }
  std::string path() const { return dir_ / "txindexd.conf"; }

  static result<CommandLine> parse(std::vector<std::string> words) {
    words.insert(words.begin(), "txindexd");
    std::vector<const char*> argv;
    for (const auto& word : words)
      argv.push_back(word.c_str());
    return parse_command_line(static_cast<int>(argv.size()), argv.data());
  }

  static Config config(const std::vector<std::string>& words) {
    auto line = parse(words);
    if (!line) {
      ADD_FAILURE() << line.error().message;
      return {};
    }
    return line->config;
  }

  static std::string error(const std::vector<std::string>& words) {
    const auto line = parse(words);
    if (line) {
      ADD_FAILURE() << "accepted";
      return {};
    }
    EXPECT_EQ(line.error().exit_status, kExitConfiguration);
    EXPECT_EQ(line.error().message.find('\n'), std::string::npos) << line.error().message;
    return line.error().message;
  }

  std::string file_error(const std::string& text) { return error({"--config", file(text)}); }

 private:
  test::TempDir dir_;
  std::vector<std::string> set_;
};

}  // namespace txindex::config
