#include "support/fake_admin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace txindex::test {
namespace {

// Up to the empty line behind the head; nothing if the client leaves before.
std::optional<std::string> read_head(int fd) {
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos) {
    std::array<char, 4096> part;
    const ssize_t n = recv(fd, part.data(), part.size(), 0);
    if (n <= 0) return std::nullopt;
    head.append(part.data(), static_cast<std::size_t>(n));
  }
  return head;
}

void send_all(int fd, const std::string& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t n = send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return;
    sent += static_cast<std::size_t>(n);
  }
}

}  // namespace

FakeAdmin::FakeAdmin(Answer answer, std::uint16_t port) : answer_(std::move(answer)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  auto* at = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || bind(listener_, at, bytes) != 0 || listen(listener_, 16) != 0 ||
      getsockname(listener_, at, &bytes) != 0) {
    throw std::runtime_error("fake admin port: no listener");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

FakeAdmin::~FakeAdmin() {
  stopping_ = true;
  shutdown(listener_, SHUT_RDWR);
  if (const int fd = connection_; fd >= 0) shutdown(fd, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

void FakeAdmin::serve() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    connection_ = fd;
    if (!stopping_) {
      if (const auto head = read_head(fd)) {
        const auto begin = head->find(' ') + 1;
        const auto answer = answer_(head->substr(begin, head->find(' ', begin) - begin));
        if (answer) send_all(fd, *answer);
      }
    }
    connection_ = -1;
    close(fd);
  }
}

std::string FakeAdmin::ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

}  // namespace txindex::test
