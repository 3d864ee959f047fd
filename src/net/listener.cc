#include "net/listener.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "log/log.h"

namespace txindex::net {
namespace {

using boost::system::error_code;

constexpr int kBacklog = 4096;  // the kernel caps it at net.core.somaxconn
constexpr auto kPause = std::chrono::milliseconds(20);
// Before those who are there already have their turn: a flood of connections must not keep the
// loop.
constexpr int kAcceptsPerTurn = 16;

}  // namespace

result<int> open_listener(const Endpoint& endpoint) {
  const std::string where = to_string(endpoint);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int status =
          getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
      status != 0) {
    return failure("listen: " + where + ": " + gai_strerror(status));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
      bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, kBacklog) != 0) {
    const int problem = errno;
    if (fd >= 0) ::close(fd);
    return failure("listen: " + where + ": " + std::strerror(problem));
  }
  return fd;
}

Listener::Listener(int descriptor, Connections& connections, std::size_t max_connections)
    : connections_(connections),
      max_connections_(max_connections),
      acceptor_(connections.loop()),
      timer_(connections.loop()) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
  acceptor_.assign(
      address.ss_family == AF_INET6 ? boost::asio::ip::tcp::v6() : boost::asio::ip::tcp::v4(),
      descriptor);
  acceptor_.non_blocking(true);
}

Listener::~Listener() {
  if (acceptor_.is_open()) leave();
}

void Listener::start() {
  wait();
}

void Listener::wait() {
  acceptor_.async_wait(boost::asio::ip::tcp::acceptor::wait_read,
                       [self = shared_from_this()](const error_code& problem) {
                         if (!problem && self->acceptor_.is_open()) self->accept_some();
                       });
}

void Listener::accept_some() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (connections_.size() >= max_connections_) {
      if (!complained_) {
        log::event(log::Level::warning,
                   "as many connections as limits.max_connections allows; more wait",
                   {{"connections", connections_.size()}});
      }
      complained_ = true;
      return pause(kPause);
    }
    error_code problem;
    auto socket = acceptor_.accept(problem);
    if (problem == boost::asio::error::would_block) break;
    // The peer gave up while it waited.
    if (problem == boost::asio::error::connection_aborted) continue;
    if (problem) {
      // Out of descriptors or memory: those who wait keep their place until some come back.
      stats::add(connections_.stats(), stats::Word::accept_errors);
      if (!complained_) {
        log::event(log::Level::error, "a connection cannot be accepted; trying again",
                   {{"reason", problem.message()}});
      }
      complained_ = true;
      return pause(kPause);
    }
    connections_.add(std::move(socket));
  }
  complained_ = false;
  wait();
}

void Listener::pause(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
    if (!cancelled && self->acceptor_.is_open()) self->accept_some();
  });
}

void Listener::stop() {
  timer_.cancel();
  error_code problem;
  // No more than the queue holds: somebody may go on connecting.
  for (int i = 0; i < kBacklog && connections_.size() < max_connections_; ++i) {
    auto socket = acceptor_.accept(problem);
    if (problem == boost::asio::error::connection_aborted) continue;
    if (problem) break;
    connections_.add(std::move(socket));
  }
  leave();
}

void Listener::leave() {
  timer_.cancel();
  // Not acceptor.close(): other holders of the socket would be left with Asio's stale registration.
  ::close(acceptor_.release());
}

}  // namespace txindex::net
