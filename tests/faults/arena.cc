#include "faults/arena.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <stdexcept>

#include "faults/bad_signatures.h"

namespace txindex::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kStep = 50ms;
constexpr auto kStopLimit = 60s;
constexpr auto kDeathSeenLimit = 5s;
constexpr std::size_t kWorkers = 2;
constexpr std::size_t kSmallTablespaceBytes = std::size_t{48} << 20;
constexpr std::size_t kSmallDiskBytes = std::size_t{320} << 20;
constexpr std::uint64_t kNuisanceTransactions = 500;

constexpr const char* kSeedVariable = "TXINDEX_TEST_SEED";

// Root in a container may have less than root has.
template <typename T, typename... Arguments>
std::unique_ptr<T> if_allowed(const char* what, Arguments... arguments) {
  if (getuid() != 0) throw SkipScenario(std::string("only root can make ") + what);
  try {
    return std::make_unique<T>(arguments...);
  } catch (const std::runtime_error& problem) {
    throw SkipScenario(std::string("this machine does not allow ") + what + ": " + problem.what());
  }
}

// While a PostgresCluster is made: its folders are on that disk.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& folder) {
    if (const char* set = getenv("TMPDIR"); set != nullptr) before_ = set;
    setenv("TMPDIR", folder.c_str(), 1);
  }
  ~TemporaryFolder() {
    if (before_) {
      setenv("TMPDIR", before_->c_str(), 1);
    } else {
      unsetenv("TMPDIR");
    }
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

 private:
  std::optional<std::string> before_;
};

}  // namespace

Arena::Arena(const Setup& setup, const Effort& effort) : settle_(setup.settle) {
#ifndef TXINDEX_TEST_SWITCHES
  if (!setup.environment.empty()) {
    throw SkipScenario("it takes a build with TXINDEX_TEST_SWITCHES");
  }
#endif
  if (setup.network) {
    network_ = if_allowed<BadNetwork>("networks of one's own", effort.seed);
  }
  start_postgres(setup);
  start_service(setup, effort);
  if (!setup.sql.empty()) primary_->query(setup.sql);
  if (setup.nuisance) {
    others_.push_back(make_file("nuisance.txs", kNuisanceTransactions, effort.seed));
    nuisance_ = std::make_unique<Nuisance>(service_->address(), others_.back(), effort.seed);
  }
  start_load(setup, effort);
}

Arena::~Arena() = default;

void Arena::start_postgres(const Setup& setup) {
  if (setup.disk != Setup::Disk::large) {
    const bool all = setup.disk == Setup::Disk::small;
    disk_ = if_allowed<SmallDisk>("a small disk", all ? kSmallDiskBytes : kSmallTablespaceBytes);
  }
  {
    std::optional<TemporaryFolder> there;
    if (setup.disk == Setup::Disk::small) there.emplace(disk_->path());
    first_ = std::make_unique<PostgresCluster>(setup.postgres);
  }
  primary_ = first_.get();
  if (setup.disk == Setup::Disk::small_tablespace) {
    const auto folder = disk_->path() / "space";
    std::filesystem::create_directory(folder);
    primary_->adopt(folder);
    primary_->query("CREATE TABLESPACE small LOCATION '" + folder.string() + "'");
    primary_->query("ALTER DATABASE postgres SET default_tablespace = small");
  }
  if (setup.standby) {
    second_ = std::make_unique<PostgresCluster>();
    second_->kill9();
    other_ = second_.get();
    make_standby();
  }
  if (setup.proxy) proxy_ = std::make_unique<CuttingProxy>(primary_->socket_path());
}

// The one that does not run becomes a standby without which the other commits nothing.
void Arena::make_standby() {
  const std::string name = "standby_" + std::to_string(++standbys_);
  other_->follow(*primary_, name);
  primary_->query("ALTER SYSTEM SET synchronous_standby_names = '" + name + "'");
  primary_->query("SELECT pg_reload_conf()");
  const bool waits = eventually([&] {
    return primary_->query("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") ==
           "1";
  });
  if (!waits) throw std::runtime_error("the standby is not synchronous: " + primary_->log());
}

void Arena::start_service(const Setup& setup, const Effort& effort) {
  Service::Options options;
  options.flags = {"--workers=" + std::to_string(kWorkers), "--drain-timeout=20s"};
  options.flags.insert(options.flags.end(), setup.server_flags.begin(), setup.server_flags.end());
  options.environment = setup.environment;
  options.database = primary_->conninfo();
  if (proxy_) options.database = "host=" + proxy_->host() + " user=postgres dbname=postgres";
  if (other_ != nullptr) {
    options.database = "host=" + primary_->host() + "," + other_->host() +
                       " user=postgres dbname=postgres target_session_attrs=read-write";
  }
  if (network_) {
    options.listen = std::string(BadNetwork::kServerAddress) + ":0";
    options.flags.emplace_back("--insecure=true");  // its own network, with nobody else in it
    options.within = [this](const auto& start) { network_->within(BadNetwork::server, start); };
  }
  options.environment[kSeedVariable] = std::to_string(effort.seed);
  service_ = std::make_unique<Service>(options);
}

std::string Arena::make_file(const std::string& name, std::uint64_t count, std::uint64_t seed) {
  const std::string file = dir_ / name;
  const Ran ran = run({TXINDEX_BINARY, "gen", "--quiet", "--count", std::to_string(count), "--seed",
                       std::to_string(seed), "--out", file});
  if (ran.status != 0) throw std::runtime_error("txindex gen: " + ran.output);
  return file;
}

void Arena::start_load(const Setup& setup, const Effort& effort) {
  const double seconds = std::chrono::duration<double>(effort.duration).count();
  std::vector<std::string> command = {TXINDEX_BINARY,
                                      "load",
                                      "--json",
                                      "--server",
                                      to_string(service_->address()),
                                      "--give-up",
                                      "0",
                                      "--journal",
                                      dir_ / "journal",
                                      "--rate",
                                      std::to_string(effort.rate),
                                      "--duration",
                                      std::to_string(seconds),
                                      "--connections",
                                      std::to_string(effort.connections)};
  if (setup.bad_signatures) {
    const auto count = static_cast<std::uint64_t>(effort.rate * seconds);
    const std::string file = make_file("some_bad.txs", count, effort.seed + 1);
    break_signatures(file);
    command.insert(command.end(), {"--file", file});
  }
  Process::Options options;
  options.output_file = dir_ / "report";
  const auto run = [&] { load_ = std::make_unique<Process>(command, options); };
  if (network_) {
    network_->within(BadNetwork::client, run);
  } else {
    run();
  }
  const bool sends = eventually([&] {
    std::error_code none;
    const auto bytes = std::filesystem::file_size(dir_ / "journal" / "load-0.txj", none);
    return !load_->running() || (!none && bytes > 8);
  });
  if (!sends) throw std::runtime_error("the load does not begin");
}

void Arena::postgres_away(Milliseconds time, std::function<void()> back) {
  postgres_away_ = true;
  later(time, [this, mend = std::move(back)] {
    mend();
    postgres_away_ = false;
  });
}

void Arena::fail_over(Milliseconds time) {
  primary_->kill9();
  postgres_away(time, [this] {
    std::swap(primary_, other_);
    primary_->promote();
    make_standby();
  });
}

void Arena::later(Milliseconds time, std::function<void()> what) {
  due_.emplace(Clock::now() + time, std::move(what));
}

void Arena::do_what_is_due(bool all) {
  while (!due_.empty() && (all || due_.begin()->first <= Clock::now())) {
    const auto what = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    what();
  }
}

bool Arena::pass(Milliseconds time) {
  const auto end = Clock::now() + time;
  while (load_->running()) {
    do_what_is_due(false);
    service_->tend();
    const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now());
    if (left.count() <= 0) return true;
    load_->wait(std::min<Milliseconds>(left, kStep));
  }
  return false;
}

Outcome Arena::finish() {
  do_what_is_due(true);
  nuisance_.reset();
  bool hung = false;
  if (pass(settle_)) {
    hung = true;
    load_->signal(SIGINT);
    if (load_->wait(2s) == -1) load_->signal(SIGINT);
    if (load_->wait(10s) == -1) throw std::runtime_error("the load cannot be ended");
  }
  Outcome outcome;
  outcome.hung = hung;
  // A death that the supervisor has not seen yet would be one of those while it drains, for which
  // it ends with status 1. One that is held back is none.
  service_->tend();
  eventually([this] { return service_->workers().size() == kWorkers && service_->admin() != 0; },
             kDeathSeenLimit);
  outcome.service_status = service_->stop(kStopLimit);
  outcome.service_starts = service_->starts();
  outcome.service_log = service_->log();
  const std::string report = read_file(dir_ / "report");
  const auto begin = report.find('{');
  const auto end = report.rfind('}');
  if (begin == std::string::npos || end == std::string::npos) {
    throw std::runtime_error("the load made no report: " + report);
  }
  const auto said = boost::json::parse(report.substr(begin, end - begin + 1));
  for (const auto& [name, value] : said.as_object()) {
    if (value.is_number()) outcome.load[name] = value.to_number<double>();
  }
  const auto counts =
      judge({.journal = dir_ / "journal", .others = others_, .database = primary_->conninfo()});
  if (!counts) throw std::runtime_error(counts.error().message);
  outcome.counts = *counts;
  return outcome;
}

}  // namespace txindex::test
