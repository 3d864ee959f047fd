#include "tools/interrupt.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace txindex::tools {
namespace {

// What a signal handler may touch. The descriptor is made once and never closed: a handler on
// another thread may be about to write to it at any time.
std::atomic<int> signals = 0;
std::atomic<int> event = -1;
static_assert(std::atomic<int>::is_always_lock_free);
struct sigaction before_int;
struct sigaction before_term;

void on_signal(int number) {
  const int error = errno;
  if (++signals >= 3) _exit(128 + number);
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = write(event, &one, sizeof one);
  errno = error;
}

}  // namespace

InterruptCatcher::InterruptCatcher() {
  signals = 0;
  if (event < 0) event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  acknowledge();
  struct sigaction action {};
  action.sa_handler = on_signal;  // without SA_RESTART: a read that waits shall end
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &before_int);
  sigaction(SIGTERM, &action, &before_term);
}

InterruptCatcher::~InterruptCatcher() {
  sigaction(SIGINT, &before_int, nullptr);
  sigaction(SIGTERM, &before_term, nullptr);
}

int InterruptCatcher::fd() const {
  return event;
}

void InterruptCatcher::acknowledge() {
  std::uint64_t n = 0;
  [[maybe_unused]] const auto got = ::read(event, &n, sizeof n);
}

int InterruptCatcher::count() const {
  return signals;
}

}  // namespace txindex::tools
