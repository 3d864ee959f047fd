#include "process/service_manager.h"

#include <fcntl.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include <cstdint>
#include <utility>

#include "log/log.h"

namespace txindex::process {
namespace {

void tell(const std::string& state) {
  // Without a service manager the answer is 0, and nothing is sent.
  if (sd_notify(0, state.c_str()) < 0) log::debug("systemd cannot be told: {}", state);
}

std::uint64_t monotonic_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

ServiceManager::ServiceManager() {
  std::uint64_t interval_us = 0;
  if (sd_watchdog_enabled(0, &interval_us) > 0) {
    // At half the interval, as sd_watchdog_enabled(3) recommends.
    watchdog_ = std::chrono::microseconds(interval_us / 2);
  }
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    Kept kept{names[i], Descriptor(SD_LISTEN_FDS_START + i)};
    fcntl(kept.descriptor.get(), F_SETFD, FD_CLOEXEC);
    kept_.push_back(std::move(kept));
    free(names[i]);
  }
  free(names);
}

void ServiceManager::ready(const std::string& text) {
  last_status_ = text;
  tell("READY=1\nSTATUS=" + text);
}

void ServiceManager::reloading() {
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_us()));
}

void ServiceManager::stopping() {
  tell("STOPPING=1");
}

void ServiceManager::status(const std::string& text) {
  if (text == last_status_) return;
  last_status_ = text;
  tell("STATUS=" + text);
}

void ServiceManager::watchdog() {
  tell("WATCHDOG=1");
}

void ServiceManager::store(const std::string& name, int fd) {
  const std::string state = "FDSTORE=1\nFDNAME=" + name;
  if (sd_pid_notify_with_fds(0, 0, state.c_str(), &fd, 1) < 0) {
    log::warn("systemd cannot be given the listening socket {}", name);
  }
}

void ServiceManager::forget(const std::string& name) {
  tell("FDSTOREREMOVE=1\nFDNAME=" + name);
}

std::vector<ServiceManager::Kept> ServiceManager::take_kept() {
  return std::exchange(kept_, {});
}

}  // namespace txindex::process
