// The command line: errors in flags and variables, commands, and the words by which the supervisor
// starts its children and its successor.
#include <sstream>

#include "config/settings.h"
#include "unit/config_fixture.h"

namespace txindex::config {
namespace {

class CommandLineTest : public ConfigTest {};

TEST_F(CommandLineTest, ABadValueNamesItsFlagOrVariable) {
  EXPECT_HAS(error({"--workers", "x"}), "--workers: 'x' is not a whole number");
  EXPECT_HAS(error({"--drain-timeout", "-5"}), "--drain-timeout: '-5'");
  set("TXINDEXD_WORKERS", "x");
  EXPECT_HAS(error({}), "TXINDEXD_WORKERS in the environment: workers: 'x' is not");
}

TEST_F(CommandLineTest, AFlagThatBeatsTheFileIsNamedAndNotTheFile) {
  const std::string path = file("workers = 2\nadmin = 127.0.0.1:9464\n");
  EXPECT_EQ(error({"--config", path, "--workers=-1"}).find("--workers: '-1'"), 0U);
  EXPECT_HAS(error({"--config", path, "--listen=127.0.0.1:9464"}), path + ":2: admin: ");
  EXPECT_EQ(error({"--config", path, "--admin=127.0.0.1:9400"}).find("--admin: "), 0U);
}

TEST_F(CommandLineTest, AFlagThatIsUnknownOrLacksItsValueIsNamed) {
  EXPECT_HAS(error({"--wrokers", "2"}), "--wrokers");
  EXPECT_HAS(error({"--workers"}), "--workers");
  EXPECT_HAS(error({"start"}), "start");
}

TEST_F(CommandLineTest, AnUnknownVariableIsAWarning) {
  set("TXINDEXD_WROKERS", "2");
  set("TXINDEXD_CONFIG", file(""));
  const auto line = parse({});
  ASSERT_TRUE(line);
  ASSERT_EQ(line->warnings.size(), 1u);
  EXPECT_HAS(line->warnings[0], "TXINDEXD_WROKERS");
}

TEST_F(CommandLineTest, CommandsAreTold) {
  EXPECT_EQ(parse({})->command, Command::serve);
  EXPECT_EQ(parse({"migrate"})->command, Command::migrate);
  EXPECT_EQ(parse({"--check-config"})->command, Command::check_config);
  EXPECT_EQ(parse({"--print-config"})->command, Command::print_config);
  EXPECT_EQ(parse({"--version"})->command, Command::version);
  EXPECT_EQ(parse({"--help"})->command, Command::help);
  EXPECT_EQ(parse({"migrate", "--database", "x"})->config.database, "x");
  EXPECT_EQ(parse({"--database", "x", "migrate"})->config.database, "x");
}

TEST_F(CommandLineTest, HelpAndVersionAreGivenAlsoWithABrokenFile) {
  file("nonsense\n");
  EXPECT_EQ(parse({"--config", path(), "--help"})->command, Command::help);
  EXPECT_EQ(parse({"--config", path(), "--version"})->command, Command::version);
  EXPECT_FALSE(parse({"--config", path(), "--check-config"}));
}

TEST_F(CommandLineTest, TheHelpNamesEveryFlagAndHidesTheInternalCommand) {
  const std::string help = parse({"--help"})->help;
  for (const auto& setting : settings())
    EXPECT_HAS(help, setting.flag() + " ");
  EXPECT_EQ(help.find("worker "), help.find("worker holds at once"));
  EXPECT_EQ(help.find("--slot"), std::string::npos);
  std::istringstream lines(help);
  for (std::string text; std::getline(lines, text);)
    EXPECT_LE(text.size(), 100u) << text;
}

TEST_F(CommandLineTest, AChildsCommandLineCarriesItsArgumentsAndTheOriginalOnes) {
  ChildArguments given;
  given.slot = 3;
  given.side = 1;
  given.generation = 7;
  given.control_fd = 10;
  given.stats_fd = 11;
  given.listen_fd = 12;
  given.listen = {"::1", 9400};
  given.patient = true;
  const auto line = parse(child_command_line(
      Command::worker, given,
      {"--workers", "5", "--config", file("index.level = instructions\n"), "--listen=[::1]:0"}));
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->command, Command::worker);
  EXPECT_EQ(line->child.slot, 3);
  EXPECT_EQ(line->child.side, 1);
  EXPECT_EQ(line->child.generation, 7u);
  EXPECT_EQ(line->child.control_fd, 10);
  EXPECT_EQ(line->child.stats_fd, 11);
  EXPECT_EQ(line->child.listen_fd, 12);
  EXPECT_EQ(line->child.listen, given.listen);
  EXPECT_TRUE(line->child.patient);
  EXPECT_EQ(line->config.workers, 5);
  EXPECT_EQ(line->config.index_level, IndexLevel::instructions);
}

TEST_F(CommandLineTest, TheAdminProcessAndASocketThatIsThereAreAskedForLikewise) {
  ChildArguments given;
  given.slot = 256;
  given.listen = {"127.0.0.1", 0};
  given.control_fd = 10;
  given.stats_fd = 11;
  const auto line = parse(child_command_line(Command::admin, given, {}));
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->command, Command::admin);
  EXPECT_EQ(line->child.slot, 256);
  EXPECT_EQ(line->child.listen_fd, -1);
  EXPECT_FALSE(line->child.patient);
}

TEST_F(CommandLineTest, AChildIsNotToldWhatItHasNoUseFor) {
  const std::vector<std::string> original = {"--migrate-database",
                                             "user=owner",
                                             "--migrate=true",
                                             "--migrate-password-file=/run/owner",
                                             "--database=user=ingest",
                                             "--database-password-file",
                                             "/run/ingest",
                                             "--workers",
                                             "5"};
  const auto last = [&](Command command, std::ptrdiff_t count) {
    const auto words = child_command_line(command, ChildArguments(), original);
    return std::vector<std::string>(words.end() - count, words.end());
  };
  EXPECT_EQ(
      last(Command::worker, 6),
      (std::vector<std::string>{"--migrate=true", "--database=user=ingest",
                                "--database-password-file", "/run/ingest", "--workers", "5"}));
  EXPECT_EQ(last(Command::admin, 3),
            (std::vector<std::string>{"--migrate=true", "--workers", "5"}));
  for (const Command command : {Command::worker, Command::admin}) {
    const auto words = child_command_line(command, ChildArguments(), original);
    for (const auto& word : words) {
      EXPECT_EQ(word.find("owner"), std::string::npos) << word;
      EXPECT_TRUE(command == Command::worker || word.find("ingest") == std::string::npos) << word;
    }
  }
}

TEST_F(CommandLineTest, ATakeoverCarriesTheOriginalArgumentsHoweverOftenItHappens) {
  const std::vector<std::string> original = {"--workers", "5"};
  const auto words = takeover_command_line({.state_fd = 9, .check = false}, original);
  EXPECT_EQ(original_arguments(words), original);
  EXPECT_EQ(original_arguments(original), original);
  const auto line = parse(takeover_command_line({.state_fd = 9, .check = true}, original));
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->command, Command::takeover);
  EXPECT_EQ(line->takeover.state_fd, 9);
  EXPECT_TRUE(line->takeover.check);
  EXPECT_EQ(line->config.workers, 5);
}

}  // namespace
}  // namespace txindex::config
