// Configuration: the file's syntax, precedence, errors, and that what is printed reads back.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <sstream>

#include "config/command_line.h"
#include "config/file.h"
#include "config/settings.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace txindex::config {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

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

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

// --- Precedence --------------------------------------------------------------------------------

TEST_F(ConfigTest, WithNothingGivenTheDefaultsHold) {
  EXPECT_EQ(config({}), Config());
}

TEST_F(ConfigTest, TheFileBeatsTheDefault) {
  EXPECT_EQ(config({"--config", file("workers = 3\n")}).workers, 3);
}

TEST_F(ConfigTest, TheEnvironmentBeatsTheFile) {
  set("TXINDEXD_WORKERS", "4");
  EXPECT_EQ(config({"--config", file("workers = 3\n")}).workers, 4);
}

TEST_F(ConfigTest, AFlagBeatsTheEnvironmentAndTheFile) {
  set("TXINDEXD_WORKERS", "4");
  EXPECT_EQ(config({"--config", file("workers = 3\n"), "--workers", "5"}).workers, 5);
  EXPECT_EQ(config({"--workers=5", "--config", path()}).workers, 5);
}

TEST_F(ConfigTest, AFlagBeatsTheFileAlone) {
  EXPECT_EQ(config({"--config", file("workers = 3\n"), "--workers", "5"}).workers, 5);
}

TEST_F(ConfigTest, TheLastOfSeveralFlagsCounts) {
  EXPECT_EQ(config({"--workers", "2", "--workers", "6"}).workers, 6);
}

TEST_F(ConfigTest, AnEmptyVariableIsNotSet) {
  set("TXINDEXD_WORKERS", "");
  EXPECT_EQ(config({"--config", file("workers = 3\n")}).workers, 3);
}

TEST_F(ConfigTest, TheFileMayBeNamedInTheEnvironment) {
  set("TXINDEXD_CONFIG", file("workers = 3\n"));
  EXPECT_EQ(config({}).workers, 3);
}

TEST_F(ConfigTest, TheFlagForTheFileBeatsTheVariable) {
  set("TXINDEXD_CONFIG", "/nonexistent");
  EXPECT_EQ(config({"--config", file("workers = 3\n")}).workers, 3);
}

TEST_F(ConfigTest, EverySettingHasAFlagAKeyAndAVariable) {
  Config other;
  other.listen = {"::1", 1};
  other.admin = Endpoint{"localhost", 2};
  other.admin_hosts = {"a.example", "b"};
  other.insecure = true;
  other.tls_certificate = "/etc/tls/server.pem";
  other.tls_key = "/etc/tls/server.key";
  other.tls_client_ca = "/etc/tls/producers.pem";
  other.tokens = "/etc/txindexd/tokens";
  other.database = "host=/run dbname='x y'";
  other.database_password_file = "/run/password";
  other.allow_unsafe_durability = true;
  other.statement_timeout = seconds(9);
  other.migrate = false;
  other.migrate_database = "user=owner";
  other.migrate_password_file = "/run/owner";
  other.index_level = IndexLevel::instructions;
  other.partition_interval = hours(6);
  other.dedup_window = minutes(11);
  other.time_max_future = seconds(1);
  other.time_max_age = hours(24 * 365);
  other.retention = hours(24 * 366);
  other.roll_ready_timeout = seconds(7);
  other.roll_settle = seconds(1);
  other.sandbox = false;
  other.log_format = LogFormat::json;
  other.workers = 7;
  other.verify_threads = 5;
  other.writers = 3;
  other.batch_max_rows = 1;
  other.batch_max_bytes = 64 * 1024;
  other.batch_linger = microseconds(500);
  other.in_flight_bytes = 1 << 20;
  other.max_connections = 12;
  other.max_connections_per_address = 11;
  other.hello_timeout = seconds(3);
  other.frame_timeout = seconds(4);
  other.answers_timeout = seconds(5);
  other.idle_timeout = std::nullopt;
  other.drain_timeout = milliseconds(1500);
  other.log_level = "debug";
  other.log_file = "/dev/null";
  for (const auto& setting : settings()) {
    SCOPED_TRACE(setting.key);
    const std::string value = setting.write(other);
    ASSERT_NE(value, setting.write(Config())) << "the test gives no other value for this setting";
    const auto expect_set = [&](const Config& got) {
      EXPECT_EQ(setting.write(got), value);
      int changed = 0;
      for (const auto& each : settings())
        changed += each.write(got) != each.write(Config());
      EXPECT_EQ(changed, 1);
    };
    expect_set(config({setting.flag(), value}));
    expect_set(config({"--config", file(std::string(setting.key) + " = " + quote(value))}));
    setenv(setting.environment().c_str(), value.c_str(), 1);
    expect_set(config({}));
    unsetenv(setting.environment().c_str());
  }
  EXPECT_EQ(config({"--config", file(print(other))}), other);
  EXPECT_EQ(find_setting("index.level")->flag(), "--index-level");
  EXPECT_EQ(find_setting("index.level")->environment(), "TXINDEXD_INDEX_LEVEL");
  EXPECT_EQ(find_setting("drain_timeout")->flag(), "--drain-timeout");
  EXPECT_EQ(find_setting("limits.in_flight_bytes")->environment(),
            "TXINDEXD_LIMITS_IN_FLIGHT_BYTES");
}

TEST_F(ConfigTest, TheExampleShowsEverySettingWithItsDefault) {
  std::istringstream lines(test::read_file(TXINDEX_SOURCE_DIR "/config/txindexd.conf"));
  std::string switched_on;
  for (std::string text; std::getline(lines, text);) {
    const bool is_setting = text.starts_with('#') && text.find(" = ") != std::string::npos &&
                            find_setting(text.substr(1, text.find(" = ") - 1)) != nullptr;
    switched_on += (is_setting ? text.substr(1) : text) + "\n";
  }
  EXPECT_EQ(config({"--config", file(switched_on)}), Config());
  for (const auto& setting : settings()) {
    EXPECT_HAS(switched_on, "\n" + std::string(setting.key) + " = ");
  }
}

// --- The file ----------------------------------------------------------------------------------

TEST_F(ConfigTest, ACommentStandsBehindWhiteSpaceOnly) {
  std::istringstream file("a =#1\nb = #1\nc = x#1 # 2\n");
  const auto entries = read_entries(file);
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 3U);
  EXPECT_EQ((*entries)[0].value, "#1");
  EXPECT_EQ((*entries)[1].value, "");
  EXPECT_EQ((*entries)[2].value, "x#1");
}

TEST_F(ConfigTest, SectionsCommentsAndQuotationMarksAreUnderstood) {
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

TEST_F(ConfigTest, WhatIsPrintedReadsBackWhateverTheTextHolds) {
  Config odd;
  for (const char* text :
       {"",  " ",   "#",   "a #b", "a#b",   "\"", "\"a\"", "\\n",       "a\nb = c", "\t",
        "'", "[x]", "a\r", "true", "[1,2]", "=",  "-x",    "--workers", "{}",       "%%"}) {
    odd.database = text;
    EXPECT_EQ(config({"--config", file(print(odd))}), odd) << text;
  }
}

TEST_F(ConfigTest, AnUnknownKeyIsNamedWithItsLineAndItsLikelyMeaning) {
  EXPECT_EQ(file_error("\n[index]\nlevle = accounts\n"),
            path() + ":3: index.levle: there is no such key; did you mean index.level?");
  EXPECT_HAS(file_error("utterly_different = 1\n"), ":1: utterly_different: there is no such key");
}

TEST_F(ConfigTest, ABadValueIsNamedWithItsLineAndWhatIsAllowed) {
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

TEST_F(ConfigTest, ABadValueInTheFileIsAnErrorEvenWhenItIsOverridden) {
  file("workers = many\n");
  EXPECT_HAS(error({"--config", path(), "--workers", "2"}), ":1: workers: 'many'");
  set("TXINDEXD_WORKERS", "2");
  EXPECT_HAS(error({"--config", path()}), ":1: workers: 'many'");
}

TEST_F(ConfigTest, AKeyGivenTwiceIsAnError) {
  EXPECT_EQ(file_error("[index]\nlevel = accounts\n[index]\nlevel = accounts\n"),
            path() + ":4: index.level: given twice, first in line 2");
}

TEST_F(ConfigTest, LinesThatAreNoSettingAreErrors) {
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

TEST_F(ConfigTest, ASyntaxErrorDoesNotRepeatALineThatMayHoldAPassword) {
  EXPECT_EQ(file_error("password secret\n").find("secret"), std::string::npos);
}

TEST_F(ConfigTest, AFileThatCannotBeReadIsAnErrorThatNamesIt) {
  EXPECT_HAS(error({"--config", path()}), path() + ": cannot be read: No such file");
  set("TXINDEXD_CONFIG", path());
  EXPECT_HAS(error({}), path() + ": cannot be read: No such file");
  EXPECT_HAS(error({"--config", "/"}), "/: cannot be read");
}

// --- Flags and environment ---------------------------------------------------------------------

TEST_F(ConfigTest, ABadValueNamesItsFlagOrVariable) {
  EXPECT_HAS(error({"--workers", "x"}), "--workers: 'x' is not a whole number");
  EXPECT_HAS(error({"--drain-timeout", "-5"}), "--drain-timeout: '-5'");
  set("TXINDEXD_WORKERS", "x");
  EXPECT_HAS(error({}), "TXINDEXD_WORKERS in the environment: workers: 'x' is not");
}

TEST_F(ConfigTest, AFlagThatIsUnknownOrLacksItsValueIsNamed) {
  EXPECT_HAS(error({"--wrokers", "2"}), "--wrokers");
  EXPECT_HAS(error({"--workers"}), "--workers");
  EXPECT_HAS(error({"start"}), "start");
}

TEST_F(ConfigTest, APasswordThatSystemdPassesIsTheDefaultOfThePasswordFile) {
  const std::string folder = path() + ".credentials";
  std::filesystem::create_directory(folder);
  set("CREDENTIALS_DIRECTORY", folder);
  EXPECT_EQ(config({}).database_password_file, "") << "none is passed";
  test::write_file(folder + "/database-password", "sesame\n");
  EXPECT_EQ(config({}).database_password_file, folder + "/database-password");
  EXPECT_EQ(config({"--database-password-file", "/run/other"}).database_password_file,
            "/run/other");
}

TEST_F(ConfigTest, AnUnknownVariableIsAWarning) {
  set("TXINDEXD_WROKERS", "2");
  set("TXINDEXD_CONFIG", file(""));
  const auto line = parse({});
  ASSERT_TRUE(line);
  ASSERT_EQ(line->warnings.size(), 1u);
  EXPECT_HAS(line->warnings[0], "TXINDEXD_WROKERS");
}

TEST_F(ConfigTest, ValuesThatContradictEachOtherAreErrors) {
  EXPECT_HAS(error({"--partition-interval", "10min"}),
             "partition.interval: '10min' is less than twice");
  EXPECT_HAS(error({"--partition-interval", "7h"}), "partition.interval: '7h' is neither");
  EXPECT_HAS(error({"--partition-interval", "36h"}), "partition.interval");
  EXPECT_HAS(error({"--partition-interval", "64s", "--dedup-window", "0"}), "partition.interval");
  EXPECT_HAS(error({"--admin", "127.0.0.1:9400"}), "admin: ");
  EXPECT_HAS(error({"--workers", "256", "--verify-threads", "256"}), "verify.threads: ");
  EXPECT_EQ(
      file_error("dedup.window = 1min\npartition.interval = 7h\n").find(path() + ":2: partition"),
      0u);
  EXPECT_EQ(config({"--partition-interval", "20min"}).partition_interval, minutes(20));
  EXPECT_EQ(config({"--partition-interval", "7d"}).partition_interval, hours(168));
  EXPECT_EQ(config({"--listen=localhost:0", "--admin=localhost:0"}).listen.port, 0);
}

TEST_F(ConfigTest, AnAddressForEverybodyNeedsToSayWhoMaySend) {
  for (const char* everybody : {"0.0.0.0:1", "[::]:1", "192.0.2.1:9400", "db.example:9400"}) {
    SCOPED_TRACE(everybody);
    const std::string listen = std::string("--listen=") + everybody;
    EXPECT_HAS(error({listen}), "listen: ");
    EXPECT_HAS(error({listen}), "tokens, or tls.client_ca, or a loopback address, or insecure");
    EXPECT_HAS(error({listen, "--tls-certificate=c", "--tls-key=k"}), "listen: ");
    config({listen, "--insecure=true"});
    config({listen, "--tokens=t"});
    config({listen, "--tls-client-ca=c"});
  }
  for (const char* own : {"127.0.0.1:1", "127.255.0.9:1", "localhost:1", "[::1]:1"})
    config({std::string("--listen=") + own});
  EXPECT_HAS(file_error("listen = 0.0.0.0:9400\n"), ":1: listen: ");
}

TEST_F(ConfigTest, CommandsAreTold) {
  EXPECT_EQ(parse({})->command, Command::serve);
  EXPECT_EQ(parse({"migrate"})->command, Command::migrate);
  EXPECT_EQ(parse({"--check-config"})->command, Command::check_config);
  EXPECT_EQ(parse({"--print-config"})->command, Command::print_config);
  EXPECT_EQ(parse({"--version"})->command, Command::version);
  EXPECT_EQ(parse({"--help"})->command, Command::help);
  EXPECT_EQ(parse({"migrate", "--database", "x"})->config.database, "x");
  EXPECT_EQ(parse({"--database", "x", "migrate"})->config.database, "x");
}

TEST_F(ConfigTest, HelpAndVersionAreGivenAlsoWithABrokenFile) {
  file("nonsense\n");
  EXPECT_EQ(parse({"--config", path(), "--help"})->command, Command::help);
  EXPECT_EQ(parse({"--config", path(), "--version"})->command, Command::version);
  EXPECT_FALSE(parse({"--config", path(), "--check-config"}));
}

TEST_F(ConfigTest, TheHelpNamesEveryFlagAndHidesTheInternalCommand) {
  const std::string help = parse({"--help"})->help;
  for (const auto& setting : settings())
    EXPECT_HAS(help, setting.flag() + " ");
  EXPECT_EQ(help.find("worker "), help.find("worker holds at once"));
  EXPECT_EQ(help.find("--slot"), std::string::npos);
  std::istringstream lines(help);
  for (std::string text; std::getline(lines, text);)
    EXPECT_LE(text.size(), 100u) << text;
}

TEST_F(ConfigTest, AChildsCommandLineCarriesItsArgumentsAndTheOriginalOnes) {
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

TEST_F(ConfigTest, TheAdminProcessAndASocketThatIsThereAreAskedForLikewise) {
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

TEST_F(ConfigTest, AChildIsNotToldWhatItHasNoUseFor) {
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

TEST_F(ConfigTest, ATakeoverCarriesTheOriginalArgumentsHoweverOftenItHappens) {
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

TEST_F(ConfigTest, WhatCanBeSwitchedOffIsSaidByAWord) {
  EXPECT_FALSE(config({"--admin=off"}).admin);
  EXPECT_EQ(config({"--admin=[::1]:1"}).admin, (Endpoint{"::1", 1}));
  EXPECT_FALSE(config({}).retention);
  EXPECT_FALSE(config({"--retention=off"}).retention);
  EXPECT_EQ(config({"--retention=60d"}).retention, hours(24 * 60));
  EXPECT_HAS(error({"--retention=no"}), "; or off");
}

TEST_F(ConfigTest, NamesAreSeparatedByCommas) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(config({}).admin_hosts, Names());
  EXPECT_EQ(config({"--admin-hosts=indexer.example.org, b-1"}).admin_hosts,
            (Names{"indexer.example.org", "b-1"}));
  EXPECT_EQ(config({"--config", file("admin.hosts = a,b\n")}).admin_hosts, (Names{"a", "b"}));
  for (const char* wrong : {"a,,b", ",a", "http://a", "a:9464", "a b", " ", "*"})
    EXPECT_HAS(error({"--admin-hosts", wrong}), "is not host names, separated by commas") << wrong;
}

TEST_F(ConfigTest, RetentionMustCoverWhatIsAccepted) {
  EXPECT_HAS(error({"--retention=30d"}), "less than time.max_age");
  EXPECT_EQ(config({"--retention=721h"}).retention, hours(721));
}

TEST(EffectiveTest, ZeroStandsForWhatTheCoresGive) {
  Config config;
  EXPECT_EQ(effective_workers(config, 8), 8);
  EXPECT_EQ(effective_workers(config, 1000), 256);
  EXPECT_EQ(effective_verify_threads(config, 8), 1);
  config.workers = 2;
  EXPECT_EQ(effective_workers(config, 8), 2);
  EXPECT_EQ(effective_verify_threads(config, 8), 3);
  EXPECT_EQ(effective_verify_threads(config, 1), 1);
  config.verify_threads = 9;
  EXPECT_EQ(effective_verify_threads(config, 8), 9);
  EXPECT_GE(available_cores(), 1);
}

}  // namespace
}  // namespace txindex::config
