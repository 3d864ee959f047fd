#include "process/reservation.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

namespace txindex::process {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Failure refused(const Endpoint& listen, int error) {
  const std::string address = to_string(listen);
  switch (error) {
    case EADDRINUSE:
      return failure("listen: " + address + " is in use by another process");
    case EADDRNOTAVAIL:
      return failure("listen: " + address + " is no address of this machine");
    default:
      return failure("listen: " + address + ": " + std::strerror(error));
  }
}

// A socket that is bound to the address, which afterwards holds the port; else errno is set.
std::optional<Descriptor> bound(Address& address, bool share) {
  const int family = address.get()->sa_family;
  Descriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  // Without SO_REUSEADDR, connections of the last run that are in TIME_WAIT would be "in use".
  if (!socket || setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      (share && setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) ||
      bind(socket.get(), address.get(), address.size) != 0 ||
      getsockname(socket.get(), address.get(), &address.size) != 0) {
    return std::nullopt;
  }
  return socket;
}

result<Endpoint> in_numbers(Address& address, const Endpoint& listen) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  const int problem = getnameinfo(address.get(), address.size, host.data(), host.size(),
                                  port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV);
  Endpoint endpoint{host.data(), 0};
  const char* end = port.data() + std::strlen(port.data());
  if (problem != 0 || std::from_chars(port.data(), end, endpoint.port).ec != std::errc()) {
    return failure("listen: " + to_string(listen) + ": " + gai_strerror(problem));
  }
  return endpoint;
}

// Whether one of the sockets is on the port. A port 0 becomes that of one with the same host.
bool is_kept(Address& address, const std::vector<int>& kept) {
  const auto wanted = in_numbers(address, {});
  for (const int socket : kept) {
    Address bound_to;
    if (!wanted || getsockname(socket, bound_to.get(), &bound_to.size) != 0) continue;
    const auto has = in_numbers(bound_to, {});
    if (!has) continue;
    if (wanted->port == has->port) return true;
    if (wanted->port != 0 || has->host != wanted->host) continue;
    address = bound_to;
    return true;
  }
  return false;
}

// Names of abstract sockets are free again when their owner is gone, however it went, and belong to
// the network namespace, as ports do. Without a lock errno is set.
std::optional<Descriptor> locked(const Endpoint& endpoint) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string text = "txindexd listen " + to_string(endpoint);
  const std::size_t bytes = std::min(text.size(), sizeof(name.sun_path) - 1);
  std::memcpy(name.sun_path + 1, text.data(), bytes);  // behind a NUL: abstract
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + bytes);
  Descriptor lock(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!lock || bind(lock.get(), reinterpret_cast<sockaddr*>(&name), size) != 0) return std::nullopt;
  return lock;
}

}  // namespace

result<void> may_serve(const config::Config& config, const Endpoint& address) {
  if (!config::lets_strangers_in(config, address.host)) return {};
  const std::string served = to_string(address);
  // What is configured would be refused if it were no loopback address either.
  return configuration_failure(
      "listen: '" + to_string(config.listen) + "' is configured, but what is served is " + served +
      ", which can be reached from other machines, and nothing says who may send: set tokens, or "
      "tls.client_ca, or insecure = true; a service that is to leave " +
      served + " needs a full restart, not a reload");
}

bool stands_for(const Endpoint& wanted, const Endpoint& address) {
  if (wanted.port != 0 && wanted.port != address.port) return false;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (getaddrinfo(wanted.host.c_str(), nullptr, &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Address one;
    std::memcpy(&one.storage, at->ai_addr, at->ai_addrlen);
    one.size = at->ai_addrlen;
    const auto numbers = in_numbers(one, {});
    if (numbers && numbers->host == address.host) return true;
  }
  return false;
}

std::optional<Endpoint> local_address(int socket) {
  Address address;
  if (getsockname(socket, address.get(), &address.size) != 0) return std::nullopt;
  auto endpoint = in_numbers(address, {});
  if (!endpoint) return std::nullopt;
  return *std::move(endpoint);
}

result<Reservation> Reservation::take(const Endpoint& listen, const std::vector<int>& kept) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int problem =
      getaddrinfo(listen.host.c_str(), std::to_string(listen.port).c_str(), &hints, &found);
  if (problem != 0) {
    return failure("listen: " + to_string(listen) + ": " + gai_strerror(problem));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);

  int first_error = 0;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Address address;
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.size = at->ai_addrlen;
    // A listener of somebody else refuses a socket without SO_REUSEPORT whatever its own options
    // are. The probe stays until the reservation has its port, so that nobody gets between them;
    // it does not disturb, because it does not listen.
    const bool ours = is_kept(address, kept);
    const auto probe = ours ? std::nullopt : bound(address, false);
    auto socket = ours || probe ? bound(address, true) : std::nullopt;
    if (!socket) {
      if (errno == EADDRINUSE) return refused(listen, EADDRINUSE);
      if (first_error == 0) first_error = errno;
      continue;
    }
    auto endpoint = in_numbers(address, listen);
    if (!endpoint) return endpoint.error();
    auto lock = locked(*endpoint);
    if (!lock) return refused(listen, errno);
    return Reservation(*std::move(socket), *std::move(lock), *std::move(endpoint));
  }
  return refused(listen, first_error);
}

}  // namespace txindex::process
