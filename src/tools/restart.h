// txindex restart: a rolling restart, asked for and waited for.
//
// The supervisor is told by a signal, so this runs on the server's machine, as root or as the
// server's user. How it goes is read from the admin port. The admin process is replaced too, at
// the end: that it does not answer for a moment is part of it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "txindex/endpoint.h"
#include "txindex/result.h"

namespace txindex::tools {

struct RestartOptions {
  Endpoint admin{"127.0.0.1", 9464};
  std::chrono::milliseconds timeout = std::chrono::minutes(10);
  bool reexec = false;  // SIGHUP: the supervisor itself too; else SIGUSR2
  bool quiet = false;   // only failures
};

// Exit status. 0: done; 1: aborted, the old processes serve on.
inline constexpr int kExitNotAsked = 3;  // nothing was changed: not reached, or no permission
inline constexpr int kExitTimeout = 4;   // it was asked for, and goes on or not

result<void> restart(const RestartOptions& options);

// A process that may be signalled, held so that its number cannot come to mean another one.
class ServerProcess {
 public:
  // Fails, naming `named_by`, if there is no such process here or it is not a txindexd.
  static result<ServerProcess> open(pid_t pid, const std::string& named_by);
  ~ServerProcess();
  ServerProcess(ServerProcess&& other) noexcept;
  ServerProcess& operator=(ServerProcess&&) = delete;

  result<void> signal(int number) const;
  // True if it has ended, at once or within `limit`.
  bool ended_within(std::chrono::milliseconds limit) const;

 private:
  ServerProcess(pid_t pid, int fd) : pid_(pid), fd_(fd) {}
  pid_t pid_;
  int fd_;
};

}  // namespace txindex::tools
