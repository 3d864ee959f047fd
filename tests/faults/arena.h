// Where a scenario takes place: a PostgreSQL, a service, an honest load whose journal is judged,
// and what else the scenario asks for. One thread, which must outlive it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "faults/bad_network.h"
#include "faults/honest_load.h"
#include "faults/nuisance.h"
#include "faults/oracle.h"
#include "faults/service.h"
#include "faults/small_disk.h"
#include "store/cutting_proxy.h"
#include "support/crowd.h"
#include "support/postgres.h"

namespace txindex::test {

using Milliseconds = std::chrono::milliseconds;

// What a scenario takes.
struct Setup {
  static constexpr std::size_t kWorkers = 2;

  PostgresCluster::Settings postgres = {};
  std::vector<std::string> server_flags = {};
  std::map<std::string, std::string> environment = {};  // of the service
  std::string sql = "";  // run once the schema is there; the service starts before it
  bool proxy = false;    // between the service and PostgreSQL
  bool standby = false;  // a synchronous one
  bool network = false;  // a bad one between the load and the service
  enum class Disk : std::uint8_t { large, small_tablespace, small } disk = Disk::large;
  std::vector<Nuisance::Kind> nuisance = {};  // beside the load
  std::size_t strangers = 0;                  // likewise, of all kinds that Crowd has
  // Partitions of a minute and a duplicate window of 30 s, so that every row is close to a
  // boundary.
  bool short_partitions = false;
  IndexLevel level = IndexLevel::accounts;
  // A second load sends transactions with bad signatures among them.
  bool bad_signatures = false;
  std::chrono::seconds give_up{};  // of the load: HonestLoad::Options
  // How long the load may take to come to its end when everything has been mended. The longest wait
  // in it is for a worker that has died often.
  Milliseconds settle = std::chrono::seconds(90);
};

struct Effort {
  std::uint64_t seed = 1;
  Milliseconds duration = std::chrono::seconds(3);  // for which the load sends
  unsigned rate = 1500;                             // transactions a second
  unsigned connections = 16;
};

// What became of it.
struct Outcome {
  Counts counts;
  std::map<std::string, double> load;  // the numbers in the loads' reports, their sum
  double longest_gap_seconds = 0;      // without any answer
  bool hung = false;  // a load had to be ended: somebody waited for an answer for ever
  int service_status = -1;
  int service_starts = 0;
  std::string service_log;
  std::map<std::string, double> statistics;  // the service's, since its last start
  // Of each act, how often it was seen that it did what it is to do.
  std::map<std::string, std::uint64_t> seen;
  int outages = 0;  // after which the load was answered again, before the next one
  std::map<Nuisance::Kind, std::uint64_t> nuisance;
  std::map<Abuse, std::uint64_t> strangers_ended;

  // Lines of the log that have all of the texts.
  std::uint64_t logged(const std::vector<std::string>& texts) const;
};

class Arena {
 public:
  // Returns when the load sends. Throws, also SkipScenario.
  Arena(const Setup& setup, const Effort& effort);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  Service& service() { return *service_; }
  CuttingProxy& proxy() { return *proxies_.at(primary_); }
  BadNetwork& network() { return *network_; }
  SmallDisk& disk() { return *disk_; }

  // The PostgreSQL that takes writes; nullptr while it cannot be asked.
  PostgresCluster* postgres() { return postgres_away_ ? nullptr : primary_; }
  // It cannot be asked until back(), which is called after `time`. `act` is seen if the service has
  // failed to write meanwhile.
  void postgres_away(const char* act, Milliseconds time, std::function<void()> back);
  // SIGKILL to the primary, and its standby takes over after `time`; there is a new standby then.
  void fail_over(const char* act, Milliseconds time);
  // `act` is seen if the counter has grown when the network is good again, after `time`.
  void network_bad(const char* act, Milliseconds time, const BadNetwork::Quality& quality,
                   std::uint64_t (BadNetwork::*counter)() const);
  // What was away is back, and the load has had answers since.
  bool postgres_is_well() { return is_well(postgres_trouble_); }
  bool network_is_well() { return is_well(network_trouble_); }

  // `act` is seen if, in the later half of `time`, there is a connection that waits for an answer
  // and gets none.
  void watch_standstill(const char* act, Milliseconds time);
  void saw(const char* act) { ++seen_[act]; }
  // The service is not stopped before its log has such a line.
  void await_line(const std::string& text) { awaited_lines_.insert(text); }

  // Does it after `time`.
  void later(Milliseconds time, std::function<void()> what);
  // Does it on a thread of its own; finish() waits for it.
  void beside(std::function<void()> what);
  // Lets time pass, keeps the service running. False: the load has ended.
  bool pass(Milliseconds time);

  // Mends everything, lets the load come to its end, stops the service, judges.
  Outcome finish();

 private:
  using Clock = std::chrono::steady_clock;
  struct Trouble {
    bool mended = false;
    std::uint64_t answered = 0;    // when it was
    HonestLoad::Lanes lanes = {};  // likewise, if each is to be answered again
  };

  void start_postgres(const Setup& setup, const Effort& effort);
  void make_standby();
  void start_service(const Setup& setup, const Effort& effort);
  void start_nuisance(const Setup& setup, const Effort& effort);
  void start_loads(const Setup& setup, const Effort& effort);
  void do_what_is_due();
  bool is_well(std::optional<Trouble>& trouble);
  bool any_load_runs();
  void gather(Outcome& outcome);
  Evidence evidence() const;

  const Setup setup_;
  TempDir dir_;
  std::unique_ptr<SmallDisk> disk_;
  std::unique_ptr<PostgresCluster> first_;
  std::unique_ptr<PostgresCluster> second_;
  PostgresCluster* primary_ = nullptr;
  PostgresCluster* other_ = nullptr;
  int standbys_ = 0;
  bool postgres_away_ = false;
  std::optional<Trouble> postgres_trouble_;
  std::optional<Trouble> network_trouble_;
  std::map<PostgresCluster*, std::unique_ptr<CuttingProxy>> proxies_;
  std::unique_ptr<BadNetwork> network_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Nuisance> nuisance_;
  std::unique_ptr<Crowd> strangers_;
  std::vector<std::unique_ptr<HonestLoad>> loads_;  // the first is the one that is watched
  std::vector<std::string> others_;
  std::map<std::string, std::uint64_t> seen_;
  std::set<std::string> awaited_lines_;
  int outages_ = 0;
  std::multimap<Clock::time_point, std::function<void()>> due_;
  std::vector<std::thread> beside_;
};

// Thrown when this machine does not allow a scenario; says what it takes.
struct SkipScenario : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace txindex::test
