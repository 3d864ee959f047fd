// The settings: where their values come from and which one counts, what each may be, and what they
// may not be together.
#include <filesystem>
#include <sstream>

#include "config/file.h"
#include "config/settings.h"
#include "unit/config_fixture.h"

namespace txindex::config {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

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

// --- Values ------------------------------------------------------------------------------------

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
  other.verify_backend = VerifyBackend::libsodium;
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

TEST_F(ConfigTest, ValuesThatContradictEachOtherAreErrors) {
  EXPECT_HAS(error({"--partition-interval", "10min"}),
             "--partition-interval: '10min' is less than twice");
  EXPECT_HAS(error({"--partition-interval", "7h"}), "--partition-interval: '7h' is neither");
  EXPECT_HAS(error({"--partition-interval", "36h"}), "--partition-interval: ");
  EXPECT_HAS(error({"--partition-interval", "64s", "--dedup-window", "0"}),
             "--partition-interval: ");
  EXPECT_HAS(error({"--admin", "127.0.0.1:9400"}), "--admin: ");
  EXPECT_HAS(error({"--workers", "256", "--verify-threads", "256"}), "--verify-threads: ");
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
  EXPECT_EQ(effective_verify_threads(config, 8, VerifyBackend::avx512), 1);
  config.workers = 2;
  EXPECT_EQ(effective_workers(config, 8), 2);
  EXPECT_EQ(effective_verify_threads(config, 8, VerifyBackend::avx512), 3);
  EXPECT_EQ(effective_verify_threads(config, 1, VerifyBackend::avx512), 1);
  EXPECT_EQ(effective_verify_threads(config, 8, VerifyBackend::libsodium), 5);
  EXPECT_EQ(effective_verify_threads(config, 1, VerifyBackend::libsodium), 1);
  config.verify_threads = 9;
  EXPECT_EQ(effective_verify_threads(config, 8, VerifyBackend::avx512), 9);
  EXPECT_GE(available_cores(), 1);
}

}  // namespace
}  // namespace txindex::config
