// The real admin process of a test, with the test as its supervisor.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "process/control.h"
#include "stats/segment.h"

namespace txindex::test {

class AdminProcess {
 public:
  struct Options {
    std::size_t side = 0;
    int listen_fd = -1;  // a socket that listens already
    std::string listen = "127.0.0.1:0";
    std::vector<std::string> flags = {};
    bool wait = true;  // until it is ready; throws if it is not in ten seconds
  };

  explicit AdminProcess(stats::Segment& segment) : AdminProcess(segment, Options()) {}
  AdminProcess(stats::Segment& segment, const Options& options);
  ~AdminProcess();  // SIGKILL, if it still runs
  AdminProcess(const AdminProcess&) = delete;
  AdminProcess& operator=(const AdminProcess&) = delete;

  pid_t pid() const { return pid_; }
  std::uint16_t port() const { return port_; }  // 0 if it has not bound one itself
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // The duplicate of its listening socket that it has deposited.
  const process::Descriptor& listener() const { return listener_; }

  void send(process::MessageType type);
  // The next message from it; `nothing` if none comes in ten seconds.
  process::Received receive();
  // Closes this side of the control socket.
  void abandon() { control_.reset(); }
  // As Process::wait().
  int wait(std::chrono::milliseconds limit = std::chrono::seconds(10));

 private:
  pid_t pid_ = -1;
  bool ended_ = false;
  int status_ = 0;
  process::Descriptor control_;
  process::Descriptor listener_;
  std::uint16_t port_ = 0;
};

}  // namespace txindex::test
