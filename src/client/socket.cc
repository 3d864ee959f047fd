#include "client/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace txindex::client {

result<std::vector<Address>> resolve(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code =
      getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (code != 0) return failure(code == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(code));

  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Address& address = addresses.emplace_back();
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.bytes = at->ai_addrlen;
  }
  return addresses;
}

int Socket::connect(const Address& address) {
  close();
  fd_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return errno;
  // Frames are put together here already; a PING or the last few must not wait for an answer.
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* to = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(fd_, to, address.bytes) == 0 || errno == EINPROGRESS || errno == EINTR) return 0;
  const int error = errno;
  close();
  return error;
}

int Socket::connect_error() const {
  int error = 0;
  socklen_t bytes = sizeof error;
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0) return errno;
  return error;
}

int Socket::error_of(tls::Session::Status status) {
  switch (status) {
    case tls::Session::Status::ok:
    case tls::Session::Status::ended:
      return 0;
    case tls::Session::Status::again:
      return EAGAIN;
    default:
      return EPROTO;
  }
}

void Socket::begin_tls(const tls::Context& context, const std::string& server_name) {
  tls_ = std::make_unique<tls::Session>(context, fd_, server_name);
}

int Socket::secured() {
  return error_of(tls_->handshake());
}

int Socket::flush() {
  if (!unsent()) return 0;
  const int error = error_of(tls_->flush());
  return error == EAGAIN ? 0 : error;
}

Socket::Moved Socket::send(Bytes bytes) {
  if (tls_) {
    const auto [written, status] = tls_->write(bytes);
    return {written, error_of(status)};
  }
  ssize_t n;
  do {
    n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n >= 0) return {static_cast<std::size_t>(n), 0};
  return {0, errno == EWOULDBLOCK ? EAGAIN : errno};
}

Socket::Moved Socket::receive(std::span<std::uint8_t> into) {
  if (tls_) {
    const auto [read, status] = tls_->read(into);
    return {read, error_of(status)};
  }
  ssize_t n;
  do {
    n = ::recv(fd_, into.data(), into.size(), 0);
  } while (n < 0 && errno == EINTR);
  if (n >= 0) return {static_cast<std::size_t>(n), 0};
  return {0, errno == EWOULDBLOCK ? EAGAIN : errno};
}

void Socket::close() {
  tls_.reset();
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace txindex::client
