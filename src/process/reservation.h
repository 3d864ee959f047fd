// The address that producers connect to, held by the supervisor while workers come and go.
#pragma once

#include <optional>
#include <vector>

#include "txindex/endpoint.h"
#include "txindex/result.h"

#include "config/config.h"
#include "process/descriptor.h"

namespace txindex::process {

// A socket that is bound but does not listen: it gets no connections, keeps the port (also one that
// port 0 has picked) and lets sockets with SO_REUSEPORT and SO_REUSEADDR of the same user bind it.
// With it goes a lock on the address, for the time until the first worker listens, in which two
// instances that start at once would not see each other.
class Reservation {
 public:
  // Fails, naming `listen`, if anybody else listens there, also with SO_REUSEPORT, or has reserved
  // it, or the address cannot be had for another reason. A name is looked up; its first usable
  // address counts.
  //
  // `kept` are listening sockets that this service has had before; if one is on the port, its
  // presence is no reason to fail, and port 0 means the port of one with the same host.
  static result<Reservation> take(const Endpoint& listen, const std::vector<int>& kept = {});
  // One that another supervisor has had, as its descriptors.
  static Reservation adopt(Descriptor socket, Descriptor lock, Endpoint address) {
    return {std::move(socket), std::move(lock), std::move(address)};
  }

  // What was reserved, in numbers.
  const Endpoint& address() const { return address_; }
  int socket_fd() const { return socket_.get(); }
  int lock_fd() const { return lock_.get(); }
  void release() {
    socket_.reset();
    lock_.reset();
  }

 private:
  Reservation(Descriptor socket, Descriptor lock, Endpoint address)
      : socket_(std::move(socket)), lock_(std::move(lock)), address_(std::move(address)) {}

  Descriptor socket_;
  Descriptor lock_;
  Endpoint address_;
};

// The rule of `listen` and `insecure` (config.h) for the address that is served, in numbers: it
// need not be the one that is configured, because a listening socket outlives a reload, and a name
// such as localhost leads where the resolver says. Fails (kExitConfiguration) with what to do.
result<void> may_serve(const config::Config& config, const Endpoint& address);

// Whether `wanted`, which may be a name, or any port (0), stands for `address`, in numbers.
bool stands_for(const Endpoint& wanted, const Endpoint& address);

// The address that a socket is bound to, in numbers; nothing if it is no such socket.
std::optional<Endpoint> local_address(int socket);

}  // namespace txindex::process
