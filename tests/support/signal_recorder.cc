#include "support/signal_recorder.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

namespace txindex::test {

SignalRecorder::SignalRecorder(const std::string& name) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    sigset_t recorded;
    sigemptyset(&recorded);
    for (const int number : {SIGHUP, SIGUSR2, SIGTERM})
      sigaddset(&recorded, number);
    sigprocmask(SIG_BLOCK, &recorded, nullptr);
    prctl(PR_SET_NAME, name.c_str());
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    // 0 says that it is ready to get some.
    for (int number = 0;; sigwait(&recorded, &number)) {
      const auto byte = static_cast<unsigned char>(number);
      if (write(ends[1], &byte, 1) != 1) _exit(1);
    }
  }
  close(ends[1]);
  pipe_ = ends[0];
  if (next() != 0) throw std::runtime_error("the recorder of signals does not start");
}

SignalRecorder::~SignalRecorder() {
  kill();
  close(pipe_);
}

int SignalRecorder::next(std::chrono::milliseconds limit) {
  pollfd waiting{pipe_, POLLIN, 0};
  unsigned char byte = 0;
  if (poll(&waiting, 1, static_cast<int>(limit.count())) != 1) return 0;
  return read(pipe_, &byte, 1) == 1 ? byte : 0;
}

void SignalRecorder::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace txindex::test
