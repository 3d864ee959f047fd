// A child process that does nothing but tell which signals it got.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

namespace txindex::test {

class SignalRecorder {
 public:
  // `name` is what the kernel calls it (/proc/PID/comm). Make it before any thread.
  explicit SignalRecorder(const std::string& name);
  ~SignalRecorder();  // SIGKILL, and waits
  SignalRecorder(const SignalRecorder&) = delete;
  SignalRecorder& operator=(const SignalRecorder&) = delete;

  pid_t pid() const { return pid_; }
  // The next of SIGHUP, SIGUSR2 and SIGTERM that it got; 0: none within `limit`.
  int next(std::chrono::milliseconds limit = std::chrono::seconds(10));
  // SIGKILL, and waits for the end.
  void kill();

 private:
  pid_t pid_ = -1;
  int pipe_ = -1;
};

}  // namespace txindex::test
