#include "support/http_exchange.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>
#include <stdexcept>

namespace txindex::test {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

}  // namespace

HttpConnection::HttpConnection(std::uint16_t port)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    throw std::runtime_error("cannot connect to 127.0.0.1:" + std::to_string(port));
}

HttpConnection::~HttpConnection() {
  close(fd_);
}

bool HttpConnection::send(const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t sent = ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (sent < 0) return false;
    at += static_cast<std::size_t>(sent);
  }
  return true;
}

bool HttpConnection::fill(std::chrono::milliseconds limit) {
  pollfd waiting{fd_, POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(limit.count())) != 1) return false;
  std::array<char, 65536> bytes;
  const ssize_t got = recv(fd_, bytes.data(), bytes.size(), 0);
  if (got <= 0) return false;
  unread_.append(bytes.data(), static_cast<std::size_t>(got));
  return true;
}

HttpReply HttpConnection::read(bool head) {
  static const std::string kEnd = "\r\n\r\n";
  while (unread_.find(kEnd) == std::string::npos) {
    if (!fill(kPatience)) return {};
  }
  const std::size_t end = unread_.find(kEnd);
  std::istringstream lines(unread_.substr(0, end));
  HttpReply reply;
  std::string word;
  lines >> word >> reply.status;
  std::getline(lines, word);
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    const auto colon = line.find(": ");
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    reply.headers[name] = line.substr(colon + 2);
  }
  const std::size_t size = head ? 0 : std::stoul(reply.headers.at("content-length"));
  while (unread_.size() < end + kEnd.size() + size) {
    if (!fill(kPatience)) return {};
  }
  reply.body = unread_.substr(end + kEnd.size(), size);
  unread_.erase(0, end + kEnd.size() + size);
  return reply;
}

HttpReply HttpConnection::get(const std::string& target) {
  if (!send("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")) return {};
  return read();
}

bool HttpConnection::ends(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (fill(limit)) {
  }
  return std::chrono::steady_clock::now() < until;
}

HttpReply http_get(std::uint16_t port, const std::string& target) {
  return HttpConnection(port).get(target);
}

}  // namespace txindex::test
