// The logger of a process, on a real file or on its real standard error.
#include "log/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <sstream>
#include <thread>

#include "log/sink.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace txindex::log {
namespace {

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { EXPECT_TRUE(initialise({}, "txindex")); }

  void log_to_file(Format format = Format::text, const std::string& level = "info") {
    const auto ready = initialise({.level = level, .file = path, .format = format}, "worker 7");
    ASSERT_TRUE(ready) << ready.error().message;
  }
  static std::vector<std::string> lines_of(const std::string& path) {
    std::istringstream in(test::read_file(path));
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);)
      lines.push_back(line);
    return lines;
  }
  std::vector<std::string> lines() const { return lines_of(path); }
  std::string text() const { return test::read_file(path); }

  test::TempDir dir;
  const std::string path = dir / "log";
};

TEST_F(LogTest, EventsAndSentencesAreLines) {
  log_to_file();
  info("made {} tables", 6);
  event(Level::warning, "connection failed", {{"peer", "192.0.2.1:5"}, {"reason", "no sense"}});
  info("and no fields again");
  const auto written = lines();
  const std::string who = " [worker 7 " + std::to_string(getpid()) + "] ";
  ASSERT_EQ(written.size(), 3U);
  EXPECT_NE(written[0].find("+00:00 info" + who + "made 6 tables"), std::string::npos)
      << written[0];
  EXPECT_NE(
      written[1].find(" warning" + who + "connection failed peer=192.0.2.1:5 reason=\"no sense\""),
      std::string::npos)
      << written[1];
  EXPECT_TRUE(written[2].ends_with("and no fields again"));
}

TEST_F(LogTest, JsonHasTheFieldsAsMembers) {
  log_to_file(Format::json);
  event(Level::error, "connection failed", {{"peer", "a\n\xff"}, {"count", 3}});
  ASSERT_EQ(lines().size(), 1U);
  const auto object = boost::json::parse(lines()[0]).as_object();
  EXPECT_EQ(object.at("message").as_string(), "connection failed");
  EXPECT_EQ(object.at("level").as_string(), "error");
  EXPECT_EQ(object.at("process").as_string(), "worker 7");
  EXPECT_EQ(object.at("pid").as_int64(), getpid());
  EXPECT_EQ(object.at("peer").as_string(), "a\n\ufffd");
  EXPECT_EQ(object.at("count").as_int64(), 3);
  EXPECT_TRUE(object.contains("time"));
}

TEST_F(LogTest, NoArgumentCanMakeALineOfItsOwn) {
  log_to_file();
  info("peer said {}", "x\n2026-11-21T10:00:00.000+00:00 info [supervisor 1] all is well\x1b[2J");
  spdlog::warn("past the functions of this project: {}", "a\nb");
  ASSERT_EQ(lines().size(), 2U);
  EXPECT_EQ(text().find('\x1b'), std::string::npos);
}

TEST_F(LogTest, LessSevereMessagesThanAskedForAreNotWritten) {
  log_to_file(Format::text, "error");
  warn("not this one");
  event(Level::info, "nor this one", {});
  EXPECT_EQ(text(), "");
  error("this one");
  EXPECT_EQ(lines().size(), 1U);
}

TEST_F(LogTest, AFloodIsCutOffAndCountedAndOtherMessagesGoOn) {
  log_to_file();
  for (int i = 0; i < 5000; ++i)
    event(Level::warning, "connection failed", {{"peer", i}});
  for (int i = 0; i < 100; ++i)
    error("{} is another format", i);
  EXPECT_EQ(lines().size(), 40U);
  finish();
  const auto written = lines();
  ASSERT_EQ(written.size(), 42U);
  const auto told = [&](const std::string& what) {
    return std::any_of(written.begin() + 40, written.end(),
                       [&](const auto& line) { return line.find(what) != std::string::npos; });
  };
  EXPECT_TRUE(told(" warning [worker 7 " + std::to_string(getpid()) +
                   "] connection failed repeated=4980 seconds=1"))
      << text();
  EXPECT_TRUE(told("{} is another format repeated=80 seconds=1")) << text();
}

TEST_F(LogTest, WhoAsksForDebugMessagesGetsThemAll) {
  log_to_file(Format::text, "debug");
  for (int i = 0; i < 500; ++i)
    debug("{}", i);
  EXPECT_EQ(lines().size(), 500U);
}

TEST_F(LogTest, AFileThatWasRenamedIsOpenedAnew) {
  log_to_file();
  info("before");
  std::filesystem::rename(path, path + ".1");
  info("still there");
  EXPECT_TRUE(reopen());
  info("after");
  EXPECT_EQ(lines_of(path + ".1").size(), 2U);
  ASSERT_EQ(lines().size(), 1U);
  EXPECT_TRUE(lines()[0].ends_with("after"));
}

TEST_F(LogTest, AFileThatCannotBeOpenedAnewSaysSoInTheOldOne) {
  const std::string folder = dir / "logs";
  std::filesystem::create_directory(folder);
  const auto ready = initialise({.file = folder + "/log"}, "worker 7");
  ASSERT_TRUE(ready) << ready.error().message;
  std::filesystem::rename(folder, path);
  EXPECT_FALSE(reopen());
  info("going on");
  const auto written = lines_of(path + "/log");
  ASSERT_EQ(written.size(), 2U);
  EXPECT_NE(written[0].find(folder + "/log: No such file"), std::string::npos) << written[0];
  EXPECT_TRUE(written[1].ends_with("going on"));
}

TEST_F(LogTest, AFileThatCannotBeOpenedIsAnErrorThatNamesIt) {
  const auto failed = initialise({.file = dir / "none/log"}, "x");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().exit_status, kExitConfiguration);
  EXPECT_NE(failed.error().message.find("none/log: No such file"), std::string::npos);
  EXPECT_FALSE(initialise({.level = "loud"}, "x"));
}

TEST_F(LogTest, WhetherAFileCouldBeOpenedIsFoundOutWithoutMakingIt) {
  EXPECT_TRUE(check_file(""));
  EXPECT_TRUE(check_file(path));
  EXPECT_FALSE(std::filesystem::exists(path));
  log_to_file();
  EXPECT_TRUE(check_file(path));
  const std::string missing = dir / "none/log";
  const std::string folder = dir.path();
  for (const auto& [file, reason] :
       {std::pair(missing, "No such file or directory"), std::pair(folder, "Is a directory")}) {
    const auto checked = check_file(file);
    ASSERT_FALSE(checked) << file;
    EXPECT_EQ(checked.error().exit_status, kExitConfiguration);
    EXPECT_EQ(checked.error().message, "log.file: " + file + ": " + reason);
  }
}

TEST_F(LogTest, TheFileIsNotInheritedAndNotForEverybody) {
  log_to_file();
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0007, 0U);
  bool found = false;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry, gone) != path) continue;
    found = true;
    EXPECT_NE(fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_TRUE(found);
}

TEST_F(LogTest, SeveralWritersOfOneFileNeverMixTheirLines) {
  constexpr int kWriters = 4;
  constexpr int kLines = 3000;
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    // Each with a descriptor of its own, as processes have.
    auto sink = Sink::open(path);
    ASSERT_TRUE(sink) << sink.error().message;
    threads.emplace_back([w, sink = *sink] {
      spdlog::logger logger("writer " + std::to_string(w), sink);
      logger.set_formatter(std::make_unique<Formatter>(Format::text, false));
      for (int i = 0; i < kLines; ++i)
        logger.info("{}", std::string(static_cast<std::size_t>(w * 500 + 10), 'x'));
    });
  }
  for (auto& thread : threads)
    thread.join();
  const auto written = lines();
  EXPECT_EQ(written.size(), std::size_t{kWriters} * kLines);
  for (const auto& line : written) {
    ASSERT_EQ(std::count(line.begin(), line.end(), '['), 1) << line;
    ASSERT_TRUE(line.ends_with("x")) << line;
  }
}

TEST_F(LogTest, ThreadsKeepTheirFieldsApart) {
  log_to_file(Format::text, "debug");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 500; ++i)
        event(Level::debug, "thread " + std::to_string(t), {{"number", t}});
    });
  }
  for (auto& thread : threads)
    thread.join();
  ASSERT_EQ(lines().size(), 2000U);
  for (const auto& line : lines()) {
    const std::string number = line.substr(line.find("thread ") + 7, 1);
    ASSERT_TRUE(line.ends_with("thread " + number + " number=" + number)) << line;
  }
}

// Standard error as a file, as systemd would have it as a socket to the journal.
class JournalPrefixTest : public LogTest {
 protected:
  JournalPrefixTest() : saved_(dup(STDERR_FILENO)) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(fd, STDERR_FILENO);
    close(fd);
  }
  ~JournalPrefixTest() override {
    dup2(saved_, STDERR_FILENO);
    close(saved_);
    unsetenv("JOURNAL_STREAM");
  }
  void say_that_it_is(const std::string& file) {
    struct stat status {};
    ASSERT_EQ(stat(file.c_str(), &status), 0);
    setenv("JOURNAL_STREAM",
           (std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino)).c_str(), 1);
  }

 private:
  int saved_;
};

TEST_F(JournalPrefixTest, LinesHaveItsPrioritiesAndNoTime) {
  say_that_it_is(path);
  ASSERT_TRUE(initialise({}, "supervisor"));
  error("it failed");
  EXPECT_EQ(text(), "<3>error [supervisor " + std::to_string(getpid()) + "] it failed\n");
}

TEST_F(JournalPrefixTest, JsonToo) {
  say_that_it_is(path);
  ASSERT_TRUE(initialise({.format = Format::json}, "supervisor"));
  info("listening");
  ASSERT_TRUE(text().starts_with("<6>{")) << text();
  EXPECT_FALSE(boost::json::parse(text().substr(3)).as_object().contains("time"));
}

TEST_F(JournalPrefixTest, AStandardErrorThatWasRedirectedSinceIsNotTheJournal) {
  say_that_it_is("/dev/null");
  ASSERT_TRUE(initialise({}, "supervisor"));
  info("listening");
  EXPECT_EQ(text().find('<'), std::string::npos);
  EXPECT_NE(text().find("T"), std::string::npos);
}

TEST_F(JournalPrefixTest, AFileIsNotTheJournalEither) {
  say_that_it_is(path);
  const std::string file = dir / "file";
  ASSERT_TRUE(initialise({.file = file}, "supervisor"));
  info("listening");
  EXPECT_EQ(text(), "");
  EXPECT_FALSE(test::read_file(file).starts_with("<"));
}

}  // namespace
}  // namespace txindex::log
