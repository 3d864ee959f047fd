#include "support/admin_process.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "config/command_line.h"
#include "process/launch.h"

namespace txindex::test {

using process::MessageType;
using process::Received;

AdminProcess::AdminProcess(stats::Segment& segment, const Options& options) {
  auto pair = process::make_control_pair();
  if (!pair) throw std::runtime_error(pair.error().message);
  config::ChildArguments child;
  child.slot = static_cast<int>(stats::kAdminSlot);
  child.side = static_cast<int>(options.side);
  child.generation = 1;
  child.control_fd = pair->child.get();
  child.stats_fd = segment.fd();
  child.listen_fd = options.listen_fd;
  child.listen = parse_endpoint(options.listen).value();
  process::Launch launch;
  launch.arguments = config::child_command_line(config::Command::admin, child, options.flags);
  launch.inherited = {child.control_fd, child.stats_fd};
  if (child.listen_fd >= 0) launch.inherited.push_back(child.listen_fd);
  launch.control_fd = child.control_fd;
  const auto pid = process::start_child(TXINDEXD_BINARY, launch);
  if (!pid) throw std::runtime_error(pid.error().message);
  pid_ = *pid;
  control_ = std::move(pair->supervisor);
  pair->child.reset();

  Received received;
  while (options.wait && received.message.type != MessageType::ready) {
    received = receive();
    if (received.status != Received::Status::message ||
        received.message.type == MessageType::failed) {
      throw std::runtime_error("the admin process is not ready: " + received.message.text);
    }
    if (received.message.type != MessageType::listener) continue;
    listener_ = std::move(received.descriptor);
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
}

AdminProcess::~AdminProcess() {
  if (wait(std::chrono::milliseconds(0)) != -1) return;
  ::kill(pid_, SIGKILL);
  wait();
}

void AdminProcess::send(MessageType type) {
  if (auto sent = process::send_message(control_.get(), {.type = type}); !sent)
    throw std::runtime_error(sent.error().message);
}

Received AdminProcess::receive() {
  pollfd waiting{control_.get(), POLLIN, 0};
  poll(&waiting, 1, 10'000);
  return process::receive_message(control_.get());
}

int AdminProcess::wait(std::chrono::milliseconds limit) {
  if (!ended_) {
    const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    pollfd waiting{fd, POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(limit.count()));
    close(fd);
    if (ready != 1) return -1;
    waitpid(pid_, &status_, 0);
    ended_ = true;
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
}

}  // namespace txindex::test
