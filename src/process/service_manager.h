// systemd, if this service runs under it: what it is told, and the listening sockets that it keeps.
//
// Everything here does nothing and says yes when the process was not started by systemd.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "process/descriptor.h"

namespace txindex::process {

class ServiceManager {
 public:
  // Main thread, before any other: it reads the environment and takes out what was for this process
  // alone.
  ServiceManager();

  void ready(const std::string& status);
  void reloading();  // until ready()
  void stopping();
  void status(const std::string& text);  // one line; told only if it has changed

  // How often watchdog() is to be called; nothing: never.
  std::optional<std::chrono::microseconds> watchdog_interval() const { return watchdog_; }
  void watchdog();

  // Keeps a duplicate of `fd`, under `name`, for the next process of this service: also when this
  // one was killed. Once for each name and process of the service.
  void store(const std::string& name, int fd);
  void forget(const std::string& name);

  struct Kept {
    std::string name;
    Descriptor descriptor;
  };
  // What was stored by a process of this service before this one. The second call returns nothing.
  std::vector<Kept> take_kept();

 private:
  std::optional<std::chrono::microseconds> watchdog_;
  std::vector<Kept> kept_;
  std::string last_status_;
};

}  // namespace txindex::process
