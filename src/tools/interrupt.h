// SIGINT and SIGTERM as something that poll(2) can wait for.
#pragma once

namespace txindex::tools {

// One at a time in a process; the handlers before it are back when it is gone. Each signal is
// counted; a third one ends the process at once, whatever it is waiting for.
class InterruptCatcher {
 public:
  InterruptCatcher();
  ~InterruptCatcher();
  InterruptCatcher(const InterruptCatcher&) = delete;
  InterruptCatcher& operator=(const InterruptCatcher&) = delete;

  // Readable after a signal, until acknowledge().
  int fd() const;
  void acknowledge();
  int count() const;
};

}  // namespace txindex::tools
