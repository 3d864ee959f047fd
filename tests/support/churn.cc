#include "support/churn.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace txindex::test {
namespace {

// Preface, and HELLO with version 1 and no token.
constexpr std::array<std::uint8_t, 12> kHello = {0, 'T', 'X', 'I', 4, 0, 0, 0, 1, 1, 0, 0};
constexpr std::array<std::uint8_t, 5> kFinish = {1, 0, 0, 0, 4};
constexpr std::size_t kWelcomeBytes = 4 + 1 + 1 + 4 + 4 + 8;

}  // namespace

Visitor::Visitor(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{20, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    const int problem = errno;
    ::close(fd_);
    throw std::runtime_error(std::string("connect: ") + std::strerror(problem));
  }
  sockaddr_in own{};
  socklen_t length = sizeof own;
  getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &length);
  port_ = ntohs(own.sin_port);
  // A server that has reset it by now is found out by reading.
  (void)!::send(fd_, kHello.data(), kHello.size(), MSG_NOSIGNAL);
}

Visitor::~Visitor() {
  if (fd_ >= 0) ::close(fd_);
}

Visitor::Visitor(Visitor&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), port_(other.port_) {}

Visitor::Fate Visitor::read_on(std::size_t at_least) {
  std::array<char, 256> bytes;
  for (std::size_t got = 0; got < at_least;) {
    const auto n = recv(fd_, bytes.data(), bytes.size(), 0);
    if (n == 0) return Fate::closed;
    if (n < 0) return errno == EAGAIN ? Fate::hung : Fate::reset;
    got += static_cast<std::size_t>(n);
  }
  return Fate::welcome;
}

Visitor::Fate Visitor::wait() {
  return read_on(kWelcomeBytes);
}

Visitor::Fate Visitor::finish() {
  (void)!::send(fd_, kFinish.data(), kFinish.size(), MSG_NOSIGNAL);
  return read_on(static_cast<std::size_t>(-1));
}

Churn::Churn(std::uint16_t port, int connections) {
  for (int i = 0; i < connections; ++i)
    threads_.emplace_back([this, port] { run(port); });
}

Churn::~Churn() {
  stop();
}

void Churn::stop() {
  stop_ = true;
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Churn::run(std::uint16_t port) {
  while (!stop_) {
    try {
      Visitor visitor(port);
      const auto fate = visitor.wait();
      if (fate == Visitor::Fate::reset || fate == Visitor::Fate::closed) {
        const std::lock_guard lock(mutex_);
        broken_early_.push_back(visitor.port());
      }
      switch (fate) {
        case Visitor::Fate::welcome: {
          const auto end = visitor.finish();
          ++(end == Visitor::Fate::closed ? served
             : end == Visitor::Fate::hung ? hung
                                          : reset_late);
          break;
        }
        case Visitor::Fate::reset:
          ++reset_early;
          break;
        case Visitor::Fate::closed:
          ++closed_early;
          break;
        case Visitor::Fate::hung:
          ++hung;
      }
    } catch (const std::runtime_error&) {
      ++refused;
    }
  }
}

std::vector<std::uint16_t> Churn::broken_early() const {
  const std::lock_guard lock(mutex_);
  return broken_early_;
}

std::string Churn::text() const {
  return std::to_string(served) + " served, " + std::to_string(refused) + " refused, " +
         std::to_string(reset_early) + " reset before WELCOME, " + std::to_string(reset_late) +
         " after, " + std::to_string(closed_early) + " closed without WELCOME, " +
         std::to_string(hung) + " hung";
}

}  // namespace txindex::test
