// The few things that the client does with the operating system's sockets.
#pragma once

#include <sys/socket.h>

#include <span>
#include <vector>

#include "txindex/bytes.h"
#include "txindex/endpoint.h"
#include "txindex/result.h"

namespace txindex::client {

struct Address {
  sockaddr_storage storage;
  socklen_t bytes;
};

// Asks the resolver; may block as long as it does, not at all for a numeric address. At least one.
result<std::vector<Address>> resolve(const Endpoint& endpoint);

// A TCP connection that does not block; closed with its owner.
class Socket {
 public:
  Socket() = default;
  ~Socket() { close(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Begins to connect, after closing what was open. 0: under way or established; else errno.
  int connect(const Address& address);
  // Once writable: 0 if it is established, else errno.
  int connect_error() const;

  // Bytes moved; 0 with `error` 0 means the end (receive only), with EAGAIN that it would block.
  struct Moved {
    std::size_t bytes;
    int error;
  };
  Moved send(Bytes bytes) const;
  Moved receive(std::span<std::uint8_t> into) const;

  void close();
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

}  // namespace txindex::client
