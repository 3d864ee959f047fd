// txindexd as a service manager keeps it: always on the same address, started again when it ends.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "txindex/endpoint.h"

#include "faults/within.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace txindex::test {

class Service {
 public:
  struct Options {
    std::string database;  // libpq's connection string
    std::string listen = "127.0.0.1:0";
    std::vector<std::string> flags;
    std::map<std::string, std::string> environment;
    Within within;
  };

  // Returns when it is ready; the address is then fixed. Throws if it does not become ready.
  explicit Service(Options options);
  ~Service();  // SIGKILL if it still runs
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  const Endpoint& address() const { return address_; }
  pid_t pid() const { return process_->pid(); }
  // Direct children; admin 0 when there is none just now.
  std::vector<pid_t> workers() const;
  pid_t admin() const;

  // To be called often: starts it again if it has ended. The thread must live as long as the
  // service, which ends with it.
  void tend();
  // SIGKILL to the supervisor alone.
  void kill_supervisor();
  int starts() const { return starts_; }

  // SIGTERM, and the exit status; -1 if it still runs after `limit`.
  int stop(std::chrono::milliseconds limit);

  // The counters of all its workers since the supervisor was started, as the admin port has them.
  // Throws if it does not answer.
  std::map<std::string, double> statistics() const;

  // What all its processes have logged, since the first start.
  std::string log() const;

 private:
  void start();

  const Options options_;
  TempDir dir_;
  Endpoint address_;
  int starts_ = 0;
  std::vector<pid_t> orphans_;  // children of supervisors that were killed
  std::unique_ptr<Process> process_;
};

}  // namespace txindex::test
