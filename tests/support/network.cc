#include "support/network.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "support/process.h"

namespace txindex::test {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

void enter_own_network() {
  const uid_t user = getuid();
  const gid_t group = getgid();
  if (unshare(user == 0 ? CLONE_NEWNET : CLONE_NEWNET | CLONE_NEWUSER) != 0) fail("unshare");
  if (user != 0) {
    const std::string id = std::to_string(user);
    const std::string group_id = std::to_string(group);
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", id + " " + id + " 1");
    write_file("/proc/self/gid_map", group_id + " " + group_id + " 1");
  }
  const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (any < 0) fail("socket");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  if (ioctl(any, SIOCSIFFLAGS, &request) != 0) fail("SIOCSIFFLAGS lo");
  close(any);
}

std::map<std::uint16_t, std::uint64_t> connections_to(std::uint16_t port) {
  constexpr unsigned kListening = 0x0A;
  std::ifstream in("/proc/thread-self/net/tcp");
  std::map<std::uint16_t, std::uint64_t> connections;
  std::string line;
  std::getline(in, line);  // the heading
  while (std::getline(in, line)) {
    unsigned local = 0;
    unsigned peer = 0;
    unsigned state = 0;
    unsigned long inode = 0;
    if (std::sscanf(line.c_str(), "%*u: %*8x:%x %*8x:%x %x %*s %*s %*s %*u %*u %lu", &local, &peer,
                    &state, &inode) != 4)
      throw std::runtime_error("/proc/net/tcp: " + line);
    if (local == port && state != kListening) connections[static_cast<std::uint16_t>(peer)] = inode;
  }
  return connections;
}

std::map<std::string, std::int64_t> tcp_counters() {
  // Pairs of lines: names, then values.
  std::ifstream in("/proc/thread-self/net/netstat");
  std::map<std::string, std::int64_t> counters;
  std::string names;
  std::string values;
  while (std::getline(in, names) && std::getline(in, values)) {
    std::istringstream name_words(names);
    std::istringstream value_words(values);
    std::string name;
    std::string value;
    name_words >> name;
    value_words >> value;
    while (name_words >> name && value_words >> value)
      counters[name] = std::stoll(value);
  }
  return counters;
}

}  // namespace txindex::test
