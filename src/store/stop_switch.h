// How a thread that talks to PostgreSQL is told to end: at once where it waits, and in the middle
// of a statement by cutting its connection. PostgreSQL is not asked to cancel the statement: that
// takes an answer of a server that may hang.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace txindex::store {

class StopSwitch {
 public:
  // For good. Any thread; does not wait.
  void stop();
  bool stopped();

  // False: stop() came.
  bool wait(std::chrono::milliseconds time);

  // The socket that stop() cuts; it is cut now if stop() has come.
  void attach(int socket);
  // Before the descriptor is closed and its number can be somebody else's.
  void detach();

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  bool stopped_ = false;
  int socket_ = -1;
};

}  // namespace txindex::store
