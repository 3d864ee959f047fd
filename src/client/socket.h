// The few things that the client does with the operating system's sockets.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "txindex/bytes.h"
#include "txindex/endpoint.h"
#include "txindex/result.h"

#include "tls/session.h"

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

  // From now on everything is in TLS, once secured() says so. EAGAIN: not yet; else an errno, or
  // EPROTO when TLS itself failed, which tls_problem() tells about.
  void begin_tls(const tls::Context& context, const std::string& server_name);
  int secured();
  const std::string& tls_problem() const { return tls_->problem(); }
  bool tls_hopeless() const { return tls_ && tls_->hopeless(); }
  // What TLS was given and has not sent: it has to be flushed when the socket is writable.
  bool unsent() const { return tls_ && tls_->unsent() > 0; }
  bool buffered() const { return tls_ && tls_->buffered(); }

  // Bytes moved; 0 with `error` 0 means the end (receive only), with EAGAIN that it would block.
  struct Moved {
    std::size_t bytes;
    int error;
  };
  Moved send(Bytes bytes);
  Moved receive(std::span<std::uint8_t> into);
  // Sends what is unsent; an errno, or 0.
  int flush();

  void close();
  int fd() const { return fd_; }

 private:
  static int error_of(tls::Session::Status status);

  int fd_ = -1;
  std::unique_ptr<tls::Session> tls_;
};

}  // namespace txindex::client
