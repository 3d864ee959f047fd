// The process that `txindex restart` signals.
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

#include "tools/restart.h"

namespace txindex::tools {
namespace {

std::string proc_path(pid_t pid) {
  return "/proc/" + std::to_string(pid);
}

// As the kernel knows it: the name of the file that was executed, its first 15 bytes. Everybody may
// read it, and it stays when the file is replaced by a newer one.
std::string name_of(pid_t pid) {
  std::ifstream in(proc_path(pid) + "/comm");
  std::string name;
  std::getline(in, name);
  std::ranges::replace_if(
      name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return name;
}

std::string owner_of(pid_t pid) {
  struct stat status {};
  if (stat(proc_path(pid).c_str(), &status) != 0) return "its user";
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> strings(std::size_t{16} * 1024);
  getpwuid_r(status.st_uid, &entry, strings.data(), strings.size(), &found);
  return found != nullptr ? std::string("user ") + found->pw_name
                          : "user " + std::to_string(status.st_uid);
}

Failure not_asked(const std::string& message) {
  return {message, kExitNotAsked};
}

}  // namespace

result<ServerProcess> ServerProcess::open(pid_t pid, const std::string& named_by) {
  // The number first: from here on a signal reaches the process that was looked at, or nobody.
  const int fd = pid <= 0 ? -1 : static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  const int error = pid <= 0 ? ESRCH : errno;
  const std::string process = "process " + std::to_string(pid) + ", which " + named_by +
                              " names as the supervisor of txindexd,";
  const std::string advice = ": run this on the server's own machine (and in its container)";
  if (fd < 0) {
    return not_asked(error == ESRCH ? process + " does not exist here" + advice
                                    : "cannot look at " + process + " " + std::strerror(error));
  }
  ServerProcess opened(pid, fd);
  const std::string name = name_of(pid);
  if (!name.starts_with("txindexd")) {
    return not_asked(process + " is a '" + name + "' here" + advice);
  }
  return opened;
}

ServerProcess::ServerProcess(ServerProcess&& other) noexcept
    : pid_(other.pid_), fd_(std::exchange(other.fd_, -1)) {}

ServerProcess::~ServerProcess() {
  if (fd_ >= 0) ::close(fd_);
}

result<void> ServerProcess::signal(int number) const {
  if (syscall(SYS_pidfd_send_signal, fd_, number, nullptr, 0) == 0) return {};
  const std::string process = "txindexd (process " + std::to_string(pid_) + ")";
  if (errno == EPERM) {
    return not_asked("no permission to signal " + process +
                     ": run it on the server's machine as root or as " + owner_of(pid_));
  }
  if (errno == ESRCH) return not_asked(process + " has just ended: nothing to restart");
  return not_asked("cannot signal " + process + ": " + std::strerror(errno));
}

bool ServerProcess::ended_within(std::chrono::milliseconds limit) const {
  pollfd waiting{fd_, POLLIN, 0};
  return ::poll(&waiting, 1, static_cast<int>(limit.count())) > 0;
}

}  // namespace txindex::tools
