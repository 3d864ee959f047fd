#include "faults/bad_network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include "support/network.h"

namespace txindex::test {
namespace {

constexpr std::size_t kPacketMaxBytes = 2048;  // the devices' MTU is 1500
constexpr int kPacketsEachTurn = 64;
constexpr const char* kClientAddress = "10.77.0.2";

int check(int got, const char* what) {
  if (got < 0) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
  return got;
}

int own_namespace() {
  return check(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), "open the namespace");
}

void set_address(int any, ifreq request, unsigned long what, const char* address) {
  auto* in = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
  in->sin_family = AF_INET;
  inet_pton(AF_INET, address, &in->sin_addr);
  check(ioctl(any, what, &request), "the address of a TUN device");
}

}  // namespace

BadNetwork::BadNetwork(std::uint64_t seed) : engine_(seed) {
  const int home = own_namespace();
  try {
    make(server, kServerAddress, kClientAddress);
    make(client, kClientAddress, kServerAddress);
  } catch (const std::runtime_error&) {
    check(setns(home, CLONE_NEWNET), "back to the own network");
    throw;
  }
  check(setns(home, CLONE_NEWNET), "back to the own network");
  close(home);
  wake_ = check(eventfd(0, EFD_CLOEXEC), "eventfd");
  thread_ = std::thread([this] { run(); });
}

BadNetwork::~BadNetwork() {
  stopping_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = write(wake_, &one, sizeof one);
  thread_.join();
  for (const int fd : {namespaces_[0], namespaces_[1], devices_[0], devices_[1], wake_})
    close(fd);
}

// Leaves the thread in the new namespace.
void BadNetwork::make(Side side, const char* own, const char* peer) {
  enter_own_network();
  namespaces_[side] = own_namespace();
  devices_[side] = check(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), "/dev/net/tun");
  ifreq request{};
  std::strcpy(request.ifr_name, "bad0");
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  check(ioctl(devices_[side], TUNSETIFF, &request), "make a TUN device");
  const int any = check(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  set_address(any, request, SIOCSIFADDR, own);
  set_address(any, request, SIOCSIFDSTADDR, peer);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  check(ioctl(any, SIOCSIFFLAGS, &request), "switch a TUN device on");
  close(any);
}

void BadNetwork::within(Side side, const std::function<void()>& start) const {
  const int home = own_namespace();
  check(setns(namespaces_[side], CLONE_NEWNET), "enter a network");
  start();
  check(setns(home, CLONE_NEWNET), "back to the own network");
  close(home);
}

void BadNetwork::set(const Quality& quality) {
  const std::lock_guard lock(mutex_);
  quality_ = quality;
}

void BadNetwork::run() {
  while (!stopping_) {
    pollfd waiting[] = {
        {devices_[server], POLLIN, 0}, {devices_[client], POLLIN, 0}, {wake_, POLLIN, 0}};
    poll(waiting, 3, deliver());
    for (const Side side : {server, client}) {
      if (waiting[side].revents != 0) take(side);
    }
  }
}

// What one side has sent.
void BadNetwork::take(Side from) {
  const Side to = from == server ? client : server;
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < kPacketsEachTurn; ++i) {
    std::vector<char> bytes(kPacketMaxBytes);
    const ssize_t n = read(devices_[from], bytes.data(), bytes.size());
    if (n <= 0) return;
    bytes.resize(static_cast<std::size_t>(n));
    // Drawn for each, so that a fault does not shift the fate of the packets behind it.
    const double fate = std::uniform_real_distribution<double>(0, 1)(engine_);
    const double lateness = std::uniform_real_distribution<double>(0, 1)(engine_);
    if (!quality_.reaches[to] || fate < quality_.loss) {
      ++lost_;
      continue;
    }
    const auto jitter =
        std::chrono::duration_cast<std::chrono::microseconds>(quality_.jitter * lateness);
    under_way_.push({std::chrono::steady_clock::now() + quality_.delay + jitter, ++numbers_, to,
                     std::move(bytes)});
  }
}

// What is due. Returns how long to wait for the next, in milliseconds; -1: nothing is under way.
int BadNetwork::deliver() {
  while (!under_way_.empty()) {
    const Packet& packet = under_way_.top();
    const auto left = packet.due - std::chrono::steady_clock::now();
    if (left.count() > 0) {
      return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
    }
    // A full device loses it, as a full queue of a router would.
    [[maybe_unused]] const auto n =
        write(devices_[packet.to], packet.bytes.data(), packet.bytes.size());
    ++passed_;
    if (packet.number < newest_[packet.to]) ++overtaken_;
    newest_[packet.to] = std::max(newest_[packet.to], packet.number);
    under_way_.pop();
  }
  return -1;
}

}  // namespace txindex::test
