// What an arena is made of, from PostgreSQL to the loads.
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "faults/arena.h"
#include "faults/sent_files.h"

namespace txindex::test {
namespace {

constexpr std::size_t kSmallTablespaceBytes = std::size_t{48} << 20;
constexpr std::size_t kSmallDiskBytes = std::size_t{320} << 20;
constexpr std::size_t kStoredBytes = 6000;  // of a transaction, with what points to it and indexes
constexpr std::uint64_t kNuisanceTransactions = 500;
constexpr unsigned kBadShare = 10;  // of the load's rate and connections has the one with bad ones
constexpr const char* kShortInterval = "--partition-interval=1min";
constexpr const char* kShortWindow = "--dedup-window=30s";
constexpr const char* kLevels[] = {"transactions", "accounts", "instructions"};

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

Arena::Arena(const Setup& setup, const Effort& effort) : setup_(setup) {
#ifndef TXINDEX_TEST_SWITCHES
  if (!setup.environment.empty()) {
    throw SkipScenario("it takes a build with TXINDEX_TEST_SWITCHES");
  }
#endif
  if (setup.network) {
    network_ = if_allowed<BadNetwork>("networks of one's own", effort.seed);
  }
  start_postgres(setup, effort);
  start_service(setup, effort);
  if (!setup.sql.empty()) primary_->query(setup.sql);
  const auto start = [&] { start_nuisance(setup, effort); };
  if (network_) {
    network_->within(BadNetwork::server, start);
  } else {
    start();
  }
  start_loads(setup, effort);
}

void Arena::start_postgres(const Setup& setup, const Effort& effort) {
  if (setup.disk != Setup::Disk::large) {
    const bool all = setup.disk == Setup::Disk::small;
    const auto seconds = static_cast<std::size_t>(effort.duration.count() / 1000);
    const std::size_t bytes =
        (all ? kSmallDiskBytes : kSmallTablespaceBytes) + seconds * effort.rate * kStoredBytes;
    struct sysinfo machine {};
    sysinfo(&machine);
    if (bytes > machine.totalram * machine.mem_unit / 2) {
      throw SkipScenario("its disk is in memory, and too large for so long: use a lower --rate");
    }
    disk_ = if_allowed<SmallDisk>("a small disk", bytes);
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
    second_ = std::make_unique<PostgresCluster>(setup.postgres);
    second_->kill9();
    other_ = second_.get();
    make_standby();
  }
  for (auto* cluster : {primary_, other_}) {
    if (setup.proxy && cluster != nullptr) {
      proxies_[cluster] = std::make_unique<CuttingProxy>(cluster->socket_path());
    }
  }
}

// The one that does not run becomes a standby without which the other commits nothing, also when
// that is started again.
void Arena::make_standby() {
  const std::string name = "standby_" + std::to_string(++standbys_);
  other_->follow(*primary_, name);
  primary_->set("synchronous_standby_names", "'" + name + "'");
  const bool waits = eventually([&] {
    return primary_->query("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") ==
           "1";
  });
  if (!waits) throw std::runtime_error("the standby is not synchronous: " + primary_->log());
}

void Arena::start_service(const Setup& setup, const Effort& effort) {
  Service::Options options;
  options.flags = {"--workers=" + std::to_string(Setup::kWorkers), "--drain-timeout=20s",
                   std::string("--index-level=") + kLevels[static_cast<std::size_t>(setup.level)]};
  if (setup.short_partitions) {
    options.flags.insert(options.flags.end(), {kShortInterval, kShortWindow});
  }
  options.flags.insert(options.flags.end(), setup.server_flags.begin(), setup.server_flags.end());
  options.environment = setup.environment;
  const auto host = [this](PostgresCluster* cluster) {
    return proxies_.contains(cluster) ? proxies_.at(cluster)->host() : cluster->host();
  };
  options.database = "user=postgres dbname=postgres host=" + host(primary_);
  if (other_ != nullptr) {
    options.database += "," + host(other_) + " target_session_attrs=read-write";
  }
  if (network_) {
    options.listen = "0.0.0.0:0";
    options.flags.emplace_back("--insecure=true");  // its own network, with nobody else in it
    options.within = [this](const auto& start) { network_->within(BadNetwork::server, start); };
  }
  options.environment[kSeedVariable] = std::to_string(effort.seed);
  service_ = std::make_unique<Service>(options);
}

// On the service's side of the network.
void Arena::start_nuisance(const Setup& setup, const Effort& effort) {
  const Endpoint near = {"127.0.0.1", service_->address().port};
  if (setup.strangers > 0) {
    strangers_ = std::make_unique<Crowd>(near.port, setup.strangers, effort.seed);
  }
  if (setup.nuisance.empty()) return;
  const std::string made = dir_ / "made.txs";
  others_.push_back(dir_ / "nuisance.txs");
  generate_file(made, kNuisanceTransactions, effort.seed);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  stamp_variously(made, others_.back(),
                  std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  nuisance_ = std::make_unique<Nuisance>(near, others_.back(), effort.seed, setup.nuisance);
}

void Arena::start_loads(const Setup& setup, const Effort& effort) {
  HonestLoad::Options options;
  options.server = service_->address();
  options.duration = effort.duration;
  options.rate = effort.rate;
  options.connections = effort.connections;
  options.give_up = setup.give_up;
  if (network_) {
    options.server.host = BadNetwork::kServerAddress;
    options.within = [this](const auto& start) { network_->within(BadNetwork::client, start); };
  }
  loads_.push_back(std::make_unique<HonestLoad>(options));
  if (!setup.bad_signatures) return;
  options.some_bad = true;
  options.seed = effort.seed + 1;
  options.rate = std::max(effort.rate / kBadShare, 1U);
  options.connections = std::max(effort.connections / kBadShare, 2U);
  loads_.push_back(std::make_unique<HonestLoad>(options));
}

}  // namespace txindex::test
