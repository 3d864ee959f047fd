#include "process/signals.h"

#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <cstring>

namespace txindex::process {

result<Descriptor> watch_signals(std::initializer_list<int> signals) {
  // Whoever started this process may have ignored it, and so would we: no child would ever be seen
  // to end.
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals)
    sigaddset(&set, signal);
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) {
    return failure(std::string("sigprocmask: ") + std::strerror(errno));
  }
  Descriptor watched(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!watched) return failure(std::string("signalfd: ") + std::strerror(errno));
  return watched;
}

std::optional<int> next_signal(const Descriptor& watched) {
  signalfd_siginfo info{};
  ssize_t got = 0;
  do {
    got = read(watched.get(), &info, sizeof(info));
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof(info))) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

void reset_signals_in_child() {
  // A set mask would be inherited through exec, and so would an ignored signal.
  for (int signal = 1; signal < NSIG; ++signal) {
    const bool ignore = signal == SIGINT || signal == SIGHUP || signal == SIGUSR1 ||
                        signal == SIGUSR2 || signal == SIGTTIN || signal == SIGTTOU;
    ::signal(signal, ignore ? SIG_IGN : SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace txindex::process
