#include "store/stop_switch.h"

#include <sys/socket.h>

namespace txindex::store {

void StopSwitch::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
  }
  came_.notify_all();
}

bool StopSwitch::stopped() {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

bool StopSwitch::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !came_.wait_for(lock, time, [this] { return stopped_; });
}

void StopSwitch::attach(int socket) {
  const std::lock_guard lock(mutex_);
  socket_ = socket;
  if (stopped_) ::shutdown(socket_, SHUT_RDWR);
}

void StopSwitch::detach() {
  const std::lock_guard lock(mutex_);
  socket_ = -1;
}

}  // namespace txindex::store
