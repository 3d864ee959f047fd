#include "faults/arena.h"

#include <stdlib.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "faults/sent_files.h"

namespace txindex::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kStep = 50ms;
constexpr auto kStopLimit = 60s;
constexpr auto kDeathSeenLimit = 5s;
constexpr std::size_t kWorkers = 2;
constexpr std::size_t kSmallTablespaceBytes = std::size_t{48} << 20;
constexpr std::size_t kSmallDiskBytes = std::size_t{320} << 20;
constexpr std::size_t kStoredBytes = 6000;  // of a transaction, with what points to it and indexes
constexpr std::uint64_t kNuisanceTransactions = 500;
constexpr unsigned kBadShare = 10;  // of the load's rate and connections has the one with bad ones
// As flags and as the oracle has them.
constexpr const char* kShortInterval = "--partition-interval=1min";
constexpr const char* kShortWindow = "--dedup-window=30s";
constexpr store::PartitionRule kShortRule = {60'000'000, 30'000'000};
constexpr const char* kLevels[] = {"transactions", "accounts", "instructions"};
constexpr const char* kWriteFailed = "PostgreSQL failed";

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

std::uint64_t Outcome::logged(const std::vector<std::string>& texts) const {
  std::istringstream lines(service_log);
  std::uint64_t found = 0;
  for (std::string line; std::getline(lines, line);) {
    found += std::all_of(texts.begin(), texts.end(), [&](const std::string& text) {
      return line.find(text) != std::string::npos;
    });
  }
  return found;
}

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

Arena::~Arena() {
  for (auto& thread : beside_)
    thread.join();
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
  options.flags = {"--workers=" + std::to_string(kWorkers), "--drain-timeout=20s",
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

void Arena::postgres_away(const char* act, Milliseconds time, std::function<void()> back) {
  const auto failures = [this] {
    Outcome now;
    now.service_log = service_->log();
    return now.logged({kWriteFailed});
  };
  postgres_away_ = true;
  postgres_trouble_.emplace();
  later(time, [this, act, failures, before = failures(), mend = std::move(back)] {
    mend();
    postgres_away_ = false;
    postgres_trouble_ = Trouble{true, loads_.front()->answered()};
    if (failures() > before) saw(act);
  });
}

void Arena::fail_over(const char* act, Milliseconds time) {
  postgres_away(act, time, [this] {
    std::swap(primary_, other_);
    primary_->promote();
    make_standby();
  });
  primary_->kill9();
}

void Arena::network_bad(const char* act, Milliseconds time, const BadNetwork::Quality& quality,
                        std::uint64_t (BadNetwork::*counter)() const) {
  network_->set(quality);
  network_trouble_.emplace();
  later(time, [this, act, counter, before = (*network_.*counter)()] {
    if ((*network_.*counter)() > before) saw(act);
    network_->set({});
    network_trouble_ = Trouble{true, loads_.front()->answered()};
  });
}

bool Arena::is_well(std::optional<Trouble>& trouble) {
  if (!trouble) return true;
  if (!trouble->mended || loads_.front()->answered() <= trouble->answered) return false;
  trouble.reset();
  ++outages_;
  return true;
}

void Arena::watch_standstill(const char* act, Milliseconds time) {
  const auto begin = Clock::now();
  later(time / 3, [this, act, time, begin] {
    const auto look = [this, act, time, looked = Clock::now(), before = loads_.front()->lanes()] {
      if (Clock::now() < looked + time / 3) return;
      const auto& now = loads_.front()->lanes();
      const bool any = std::any_of(before.begin(), before.end(), [&](const auto& lane) {
        const auto& [number, then] = lane;
        return then.sent > then.answered && now.at(number).answered == then.answered;
      });
      if (any) saw(act);
    };
    due_.emplace(begin + time * 5 / 6, look);
  });
}

void Arena::later(Milliseconds time, std::function<void()> what) {
  due_.emplace(Clock::now() + time, std::move(what));
}

void Arena::beside(std::function<void()> what) {
  beside_.emplace_back(std::move(what));
}

void Arena::do_what_is_due() {
  while (!due_.empty() && due_.begin()->first <= Clock::now()) {
    const auto what = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    what();
  }
}

bool Arena::any_load_runs() {
  return std::any_of(loads_.begin(), loads_.end(), [](auto& load) { return load->running(); });
}

bool Arena::pass(Milliseconds time) {
  const auto end = Clock::now() + time;
  while (any_load_runs()) {
    do_what_is_due();
    service_->tend();
    const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now());
    if (left.count() <= 0) return true;
    for (auto& load : loads_) {
      if (load->running()) {
        load->wait(std::min<Milliseconds>(left, kStep));
        break;
      }
    }
  }
  return false;
}

Outcome Arena::finish() {
  // What is away comes back in its time, whether or not the load waits for it.
  while (!due_.empty()) {
    if (!pass(kStep)) std::this_thread::sleep_until(due_.begin()->first);
    do_what_is_due();
  }
  for (auto& thread : beside_)
    thread.join();
  beside_.clear();
  Outcome outcome;
  if (nuisance_) {
    nuisance_->end();
    for (const Nuisance::Kind kind : setup_.nuisance)
      outcome.nuisance[kind] = nuisance_->visits(kind);
  }
  if (strangers_) {
    for (std::size_t i = 0; i < kAbuses; ++i)
      outcome.strangers_ended[static_cast<Abuse>(i)] = strangers_->ended(static_cast<Abuse>(i));
    strangers_.reset();
  }
  outcome.hung = pass(setup_.settle);
  for (auto& load : loads_) {
    if (load->running()) load->abandon();
  }
  postgres_is_well();
  network_is_well();
  gather(outcome);
  return outcome;
}

void Arena::gather(Outcome& outcome) {
  // A death that the supervisor has not seen yet would be one of those while it drains, for which
  // it ends with status 1. One that is held back is none.
  service_->tend();
  eventually([this] { return service_->workers().size() == kWorkers && service_->admin() != 0; },
             kDeathSeenLimit);
  outcome.statistics = service_->statistics();
  outcome.service_status = service_->stop(kStopLimit);
  outcome.service_starts = service_->starts();
  outcome.service_log = service_->log();
  outcome.seen = seen_;
  outcome.outages = outages_;
  for (const auto& load : loads_) {
    for (const auto& [name, value] : load->report()) {
      outcome.load[name] += value;
      if (name == "longest_gap_seconds") {
        outcome.longest_gap_seconds = std::max(outcome.longest_gap_seconds, value);
      }
    }
  }
  const auto counts = judge(evidence());
  if (!counts) throw std::runtime_error(counts.error().message);
  outcome.counts = *counts;
}

Evidence Arena::evidence() const {
  Evidence evidence;
  for (const auto& load : loads_) {
    evidence.journals.push_back({load->journal(), !load->broken().empty()});
    evidence.broken.insert(evidence.broken.end(), load->broken().begin(), load->broken().end());
  }
  evidence.others = others_;
  evidence.database = primary_->conninfo();
  evidence.level = setup_.level;
  if (setup_.short_partitions) evidence.rule = kShortRule;
  return evidence;
}

}  // namespace txindex::test
