// Where a scenario takes place: a PostgreSQL, a service, an honest load whose journal is judged,
// and what else the scenario asks for. One thread, which must outlive it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "faults/bad_network.h"
#include "faults/nuisance.h"
#include "faults/oracle.h"
#include "faults/service.h"
#include "faults/small_disk.h"
#include "store/cutting_proxy.h"
#include "support/postgres.h"

namespace txindex::test {

using Milliseconds = std::chrono::milliseconds;

// What a scenario takes.
struct Setup {
  PostgresCluster::Settings postgres = {};
  std::vector<std::string> server_flags = {};
  std::map<std::string, std::string> environment = {};  // of the service
  std::string sql = "";  // run once the schema is there; the service starts before it
  bool proxy = false;    // between the service and PostgreSQL
  bool standby = false;  // a synchronous one
  bool network = false;  // a bad one between the load and the service
  enum class Disk : std::uint8_t { large, small_tablespace, small } disk = Disk::large;
  bool nuisance = false;
  // How long the load may take to come to its end when everything has been mended. The longest wait
  // in it is for a worker that has died often.
  Milliseconds settle = std::chrono::seconds(90);
  bool bad_signatures = false;  // the load sends transactions with those among them
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
  std::map<std::string, double> load;  // the numbers in the load's report
  bool hung = false;  // the load had to be ended: somebody waited for an answer for ever
  int service_status = -1;
  int service_starts = 0;
  std::string service_log;
};

class Arena {
 public:
  // Returns when the load sends. Throws, also SkipScenario.
  Arena(const Setup& setup, const Effort& effort);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  Service& service() { return *service_; }
  CuttingProxy& proxy() { return *proxy_; }
  BadNetwork& network() { return *network_; }
  SmallDisk& disk() { return *disk_; }

  // The PostgreSQL that takes writes; nullptr while it cannot be asked.
  PostgresCluster* postgres() { return postgres_away_ ? nullptr : primary_; }
  // It cannot be asked until back(), which is called after `time`.
  void postgres_away(Milliseconds time, std::function<void()> back);
  // SIGKILL to the primary, and its standby takes over after `time`; there is a new standby then.
  void fail_over(Milliseconds time);

  // Does it after `time`, or when the scenario ends.
  void later(Milliseconds time, std::function<void()> what);
  // Lets time pass, keeps the service running. False: the load has ended.
  bool pass(Milliseconds time);

  // Mends everything, lets the load come to its end, stops the service, judges.
  Outcome finish();

 private:
  using Clock = std::chrono::steady_clock;
  void start_postgres(const Setup& setup);
  void make_standby();
  void start_service(const Setup& setup, const Effort& effort);
  void start_load(const Setup& setup, const Effort& effort);
  std::string make_file(const std::string& name, std::uint64_t count, std::uint64_t seed);
  void do_what_is_due(bool all);

  const Milliseconds settle_;
  TempDir dir_;
  std::unique_ptr<SmallDisk> disk_;
  std::unique_ptr<PostgresCluster> first_;
  std::unique_ptr<PostgresCluster> second_;
  PostgresCluster* primary_ = nullptr;
  PostgresCluster* other_ = nullptr;
  int standbys_ = 0;
  bool postgres_away_ = false;
  std::unique_ptr<CuttingProxy> proxy_;
  std::unique_ptr<BadNetwork> network_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Nuisance> nuisance_;
  std::unique_ptr<Process> load_;
  std::vector<std::string> others_;
  std::multimap<Clock::time_point, std::function<void()>> due_;
};

// Thrown when this machine does not allow a scenario; says what it takes.
struct SkipScenario : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace txindex::test
