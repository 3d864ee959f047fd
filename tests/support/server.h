// A running txindexd of a test: the real binary, on a port of its own, ended with the test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/process.h"
#include "support/temp_dir.h"

namespace txindex::test {

class Server {
 public:
  struct Options {
    std::vector<std::string> flags;                  // after those of the test support
    std::map<std::string, std::string> environment;  // added to the test's own
    bool wait = true;                                // until it is ready
    std::string binary = TXINDEXD_BINARY;
    // Otherwise `flags`, or the file that they name, say where it is.
    bool admin_by_flag = true;
    bool listen_by_flag = true;
  };

  // Starts it on 127.0.0.1 and a port that it picks, with the database `conninfo`; returns when all
  // workers are ready. Throws, with its log, if it ends instead or is not ready in a minute.
  explicit Server(const std::string& conninfo, std::vector<std::string> flags = {});
  Server(const std::string& conninfo, Options options);
  ~Server();  // SIGKILL if it still runs

  // Returns when it has said that it is listening; throws as the constructor does.
  void wait_until_ready();

  std::uint16_t port() const { return port_; }  // 0 until it is ready
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // HOST:PORT of the admin port, which it has logged when it is ready; empty without one.
  std::string admin_address() const;
  pid_t pid() const { return process_->pid(); }
  Process& process() { return *process_; }

  // Standard error and output of all its processes so far.
  std::string log() const;
  // Waits until the log has the text; false if it has not within `limit`.
  bool logs(const std::string& text,
            std::chrono::milliseconds limit = std::chrono::seconds(30)) const;

  // Waits until the log has the text `times` times.
  bool logs_times(const std::string& text, int times,
                  std::chrono::milliseconds limit = std::chrono::seconds(30)) const;

  // The workers that live now, in the order of their slots.
  std::vector<pid_t> worker_pids() const;

  // SIGTERM, and the exit status; -1 if it still runs after `limit`.
  int stop(std::chrono::milliseconds limit = std::chrono::seconds(60));

 private:
  TempDir dir_;
  std::unique_ptr<Process> process_;
  std::uint16_t port_ = 0;
};

// The process ids of the direct children of a process, and of each the command line.
std::map<pid_t, std::vector<std::string>> children_of(pid_t parent);

// Whether there is such a process, zombies not counted.
bool is_alive(pid_t pid);

}  // namespace txindex::test
