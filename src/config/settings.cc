#include "config/settings.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "txindex/limits.h"

#include "config/file.h"
#include "config/setting_kinds.h"
#include "text/edit_distance.h"

namespace txindex::config {
namespace {

using limits::kKiB;
using limits::kMiB;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t kGiB = 1024 * kMiB;
constexpr auto kDay = hours(24);

constexpr std::size_t kCommentColumns = 96;

constexpr std::array<std::string_view, 3> kIndexLevels = {"transactions", "accounts",
                                                          "instructions"};
constexpr std::array<std::string_view, 2> kLogFormats = {"text", "json"};

Setting level_of_log() {
  static constexpr std::array<std::string_view, 7> kNames = {"trace", "debug",    "info", "warn",
                                                             "error", "critical", "off"};
  Setting s = text("log.level", "LEVEL", &Config::log_level);
  s.allowed = "one of trace, debug, info, warn, error, critical, off";
  s.read = [allowed = s.allowed](Config& config, std::string_view text) -> result<void> {
    if (std::find(kNames.begin(), kNames.end(), text) == kNames.end())
      return refused(text, allowed);
    config.log_level = text;
    return {};
  };
  return s;
}

std::vector<Setting> make_settings() {
  std::vector<Setting> all;
  std::string_view group;
  const auto add = [&](Setting setting, std::string help) {
    setting.group = group;
    setting.help = std::move(help);
    all.push_back(std::move(setting));
  };

  group = "Network";
  add(endpoint("listen", &Config::listen),
      "Where producers connect. Port 0 picks a free one and logs it.");
  add(or_off(endpoint("admin", &Config::listen), &Config::listen, &Config::admin),
      "Where metrics, health, status and a page for people are served by HTTP.");
  add(host_names("admin.hosts", &Config::admin_hosts),
      "Names by which it may be reached, beside localhost and addresses in numbers; requests for "
      "other names are refused, so that no page of somebody else's can read it.");
  add(number<std::size_t>("limits.max_connections", &Config::max_connections, 1, 1'000'000),
      "Producer connections that one worker holds at once; more wait.");
  add(number<std::size_t>("limits.max_connections_per_address",
                          &Config::max_connections_per_address, 1, 1'000'000),
      "Of them, those from one client address (of IPv6: from one /64 network); more are refused. "
      "Behind a balancer that hides addresses, as many as limits.max_connections.");
  add(size("limits.in_flight_bytes", &Config::in_flight_bytes, kMiB, 1024 * kGiB),
      "Received bytes that one worker holds at once; when they are used up it stops reading. "
      "Best 8 KiB or more for each of limits.max_connections.");
  add(duration("limits.hello_timeout", &Config::hello_timeout, seconds(1), hours(24)),
      "How long a new connection may take to say HELLO, or to begin its first line; the TLS "
      "handshake is a part of that.");
  add(duration("limits.frame_timeout", &Config::frame_timeout, seconds(1), hours(24)),
      "How long a frame or line that has begun may take to be whole.");
  add(duration("limits.answers_timeout", &Config::answers_timeout, seconds(1), hours(24)),
      "How long a producer may leave its answers unread when no more fit on their way to it.");
  add(or_off(duration("limits.idle_timeout", &Config::frame_timeout, seconds(1), 366 * kDay),
             &Config::frame_timeout, &Config::idle_timeout),
      "How long a connection on which nothing is under way may say nothing, not even PING. A "
      "client that is told so connects again when it has something to send.");

  group = "Who may send";
  add(text("tokens", "FILE", &Config::tokens),
      "File that lists the tokens of producers, one of which each has to have, with limits; empty: "
      "none is needed. txindex token makes its lines. Read by each process when it starts.");
  add(text("tls.certificate", "FILE", &Config::tls_certificate),
      "Certificate for TLS 1.3, which producers then have to use, and behind it those that lead to "
      "the root, in PEM; empty: no TLS. Read by each process when it starts.");
  add(text("tls.key", "FILE", &Config::tls_key), "Its private key, in PEM, without a passphrase.");
  add(text("tls.client_ca", "FILE", &Config::tls_client_ca),
      "Certificates of who signs those of producers, which then have to have one; empty: they need "
      "none.");
  add(boolean("insecure", &Config::insecure),
      "Listen on an address that other machines can reach though neither tokens nor tls.client_ca "
      "is set. RISK: everybody who reaches it may send.");

  group = "Database";
  add(text("database", "CONNINFO", &Config::database),
      "PostgreSQL, as libpq's connection string or URI; empty: the PG... variables. Other users "
      "can see flags: keep a password in database.password_file or in ~/.pgpass.");
  add(text("database.password_file", "FILE", &Config::database_password_file),
      "File whose first line is the password for PostgreSQL, read by each process when it starts; "
      "empty: the credential database-password, if systemd passes one.");
  add(boolean("database.allow_unsafe_durability", &Config::allow_unsafe_durability),
      "Accept a server with fsync or synchronous_commit off. RISK: transactions acknowledged as "
      "committed can then be lost when that server crashes, and no producer will send them again.");
  add(or_off(
          duration("database.statement_timeout", &Config::time_max_age, seconds(1), 24 * hours(1)),
          &Config::time_max_age, &Config::statement_timeout),
      "How long PostgreSQL may take over one batch before it is cancelled and sent again.");
  add(boolean("migrate", &Config::migrate), "Bring the schema up to date at start.");
  add(text("migrate.database", "CONNINFO", &Config::migrate_database),
      "PostgreSQL for migrations, as the role that owns the schema; empty: as database. The role "
      "of database is then given what ingest needs, and no more.");
  add(text("migrate.password_file", "FILE", &Config::migrate_password_file),
      "File whose first line is the password for migrate.database, which must not have it itself; "
      "not in /etc or another folder that workers may read.");
  add(number("writers", &Config::writers, 1, limits::kWritersMax),
      "PostgreSQL connections of each worker that write.");

  group = "Index";
  add(choice("index.level", "LEVEL", "one of transactions, accounts, instructions", kIndexLevels,
             &Config::index_level),
      "What is stored: transactions only; with the accounts of each; with its instructions too.");
  add(duration("partition.interval", &Config::partition_interval, minutes(1), 366 * kDay),
      "The time that one partition covers: whole minutes that divide a day, or whole days, and at "
      "least twice dedup.window. A database keeps the one that it was made with.");
  add(duration("dedup.window", &Config::dedup_window, seconds(0), 31 * kDay),
      "How far over a partition's boundary a transaction sent with another time stamp is still "
      "known as a duplicate.");
  add(duration("time.max_future", &Config::time_max_future, seconds(0), 366 * kDay),
      "How far ahead of the clock a time stamp may be.");
  add(duration("time.max_age", &Config::time_max_age, minutes(1), 36500 * kDay),
      "How far behind the clock a time stamp may be; replays of history need more.");

  add(or_off(duration("retention", &Config::time_max_age, hours(1), 36500 * kDay),
             &Config::time_max_age, &Config::retention),
      "How long transactions are kept: partitions whose whole time is longer ago are dropped. At "
      "least time.max_age and one partition.interval.");

  group = "Work";
  add(number("workers", &Config::workers, 0, limits::kWorkersMax),
      "Worker processes; 0: one for each core.");
  add(number("verify.threads", &Config::verify_threads, 0, limits::kVerifyThreadsMax),
      "Threads of each worker that verify signatures; 0: the worker's share of the cores, less one "
      "for its event loop; with libsodium one more than its share.");
  add(choice("verify.backend", "BACKEND", "one of auto, libsodium, avx512, avx512ifma",
             kVerifyBackends, &Config::verify_backend),
      "What verifies signatures. avx512 verifies eight at a time, in a fraction of the time, on "
      "processors with AVX-512 F, BW, CD and DQ; avx512ifma is faster still, on those that have "
      "IFMA, too; auto is the fastest that can be used.");
  add(number<std::size_t>("batch.max_rows", &Config::batch_max_rows, 1, 100'000),
      "Transactions written in one database transaction, at most.");
  add(size("batch.max_bytes", &Config::batch_max_bytes, 64 * kKiB, kGiB / 2),
      "Their bytes, at most.");
  add(duration("batch.linger", &Config::batch_linger, seconds(0), seconds(1)),
      "How long after it was received a transaction waits for others to be written with it; under "
      "load up to four times as long, and eight times while another batch is being written. What "
      "comes late, because all processors are busy, waits an eighth of its age more, at most 25 "
      "times as long. A busy event loop rests for so long, at most 2 ms, before it reads on.");
  add(duration("drain_timeout", &Config::drain_timeout, seconds(0), hours(24)),
      "How long workers may take, after SIGTERM, to commit and acknowledge what they have "
      "received.");

  add(duration("roll.ready_timeout", &Config::roll_ready_timeout, seconds(1), hours(1)),
      "How long a replacement may take to become ready in a rolling restart, before the restart is "
      "aborted.");
  add(duration("roll.settle", &Config::roll_settle, seconds(0), hours(1)),
      "How long the first replacement of a rolling restart must live before any old worker ends.");
  add(either("sandbox", "auto|off", "auto", "off", &Config::sandbox),
      "Take from the processes that serve strangers, as far as the kernel can, what they have no "
      "use for: to execute programs, to write files but the log, most system calls.");

  group = "Log";
  add(level_of_log(), "The least severe messages that are written.");
  add(text("log.file", "FILE", &Config::log_file),
      "Where they are written; empty: standard error.");
  add(choice("log.format", "text|json", "text or json", kLogFormats, &Config::log_format),
      "One line of text for each event, or one JSON object.");
  return all;
}

}  // namespace

std::string Setting::flag() const {
  std::string name = "--" + std::string(key);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == '_'; }, '-');
  return name;
}

std::string Setting::environment() const {
  std::string name(kEnvironmentPrefix);
  for (const char c : key)
    name += c == '.' || c == '_' ? '_' : static_cast<char>(c - 'a' + 'A');
  return name;
}

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all = make_settings();
  return all;
}

std::string wrapped(std::string_view text, std::string_view indent, std::size_t columns) {
  std::istringstream words{std::string(text)};
  std::string out;
  std::string line;
  for (std::string word; words >> word;) {
    if (!line.empty() && indent.size() + line.size() + 1 + word.size() > columns) {
      out.append(indent).append(line).append("\n");
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  if (!line.empty()) out.append(indent).append(line).append("\n");
  return out;
}

const Setting* find_setting(std::string_view key) {
  for (const auto& setting : settings()) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

std::string_view nearest_key(std::string_view mistyped) {
  // A third of the letters wrong is no longer a slip. The cap keeps a hostile line cheap.
  if (mistyped.size() > 64) return {};
  std::size_t best = std::max<std::size_t>(2, mistyped.size() / 3) + 1;
  std::string_view nearest;
  for (const auto& setting : settings()) {
    const std::size_t distance = text::edit_distance(mistyped, setting.key);
    if (distance < best) {
      best = distance;
      nearest = setting.key;
    }
  }
  return nearest;
}

std::string print(const Config& config) {
  std::string out;
  std::string_view group;
  for (const auto& setting : settings()) {
    if (setting.group != group) {
      group = setting.group;
      out += (out.empty() ? "# --- " : "\n# --- ") + std::string(group) + " ---\n";
    }
    out += "\n" + wrapped(setting.help, "# ", kCommentColumns);
    std::string takes = setting.allowed;
    if (!setting.units.empty()) takes += " (" + std::string(setting.units) + ")";
    out += wrapped(takes, "# ", kCommentColumns);
    out += std::string(setting.key) + " = " + quote(setting.write(config)) + "\n";
  }
  return out;
}

}  // namespace txindex::config
