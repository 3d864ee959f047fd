#include "support/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace txindex::test {
namespace {

constexpr int kPatienceMs = 20'000;

std::uint64_t little_endian(const std::uint8_t* at, int bytes) {
  std::uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i)
    value = value << 8 | at[i];
  return value;
}

void put(RawClient::Bytes& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

[[noreturn]] void fail_by_errno(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

}  // namespace

RawClient::RawClient(std::uint16_t port) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) fail_by_errno("connect");
  const int now = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now);
}

RawClient::~RawClient() {
  if (fd_ >= 0) ::close(fd_);
}

void RawClient::send(const Bytes& bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    pollfd ready{fd_, POLLOUT, 0};
    if (::poll(&ready, 1, kPatienceMs) != 1) throw std::runtime_error("the server does not read");
    const ssize_t n =
        ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) fail_by_errno("send");
    at += static_cast<std::size_t>(n);
  }
}

void RawClient::send(const std::string& text) {
  send(Bytes(text.begin(), text.end()));
}

void RawClient::send_frame(std::uint8_t type, const Bytes& body) {
  Bytes frame;
  put(frame, 1 + body.size(), 4);
  frame.push_back(type);
  frame.insert(frame.end(), body.begin(), body.end());
  send(frame);
}

RawClient::Bytes RawClient::hello(std::uint8_t version) {
  send(Bytes{0x00, 0x54, 0x58, 0x49});
  send_frame(0x01, {version, 0, 0});
  const auto welcome = receive_frame();
  if (!welcome || welcome->type != 0x81) throw std::runtime_error("no WELCOME");
  return welcome->body;
}

void RawClient::send_tx(const Bytes& transaction, std::optional<std::int64_t> time_us,
                        std::uint8_t chain) {
  Bytes body = {chain, static_cast<std::uint8_t>(time_us ? 1 : 0)};
  if (time_us) put(body, static_cast<std::uint64_t>(*time_us), 8);
  body.insert(body.end(), transaction.begin(), transaction.end());
  send_frame(0x02, body);
}

void RawClient::half_close() {
  ::shutdown(fd_, SHUT_WR);
}

void RawClient::reset() {
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(fd_, -1));
}

std::size_t RawClient::send_what_fits(std::span<const std::uint8_t> bytes) {
  const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN) fail_by_errno("send");
  return n < 0 ? 0 : static_cast<std::size_t>(n);
}

bool RawClient::fill() {
  pollfd ready{fd_, POLLIN, 0};
  if (::poll(&ready, 1, kPatienceMs) != 1) throw std::runtime_error("the server does not answer");
  std::uint8_t bytes[64 * 1024];
  const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
  if (n < 0) fail_by_errno("recv");
  in_.insert(in_.end(), bytes, bytes + n);
  return n > 0;
}

std::optional<RawClient::Frame> RawClient::receive_frame() {
  while (in_.size() < 5 || in_.size() < 4 + little_endian(in_.data(), 4)) {
    if (!fill()) {
      if (!in_.empty()) throw std::runtime_error("the server closed within a frame");
      return std::nullopt;
    }
  }
  const auto end = in_.begin() + static_cast<std::ptrdiff_t>(4 + little_endian(in_.data(), 4));
  Frame frame{in_[4], Bytes(in_.begin() + 5, end)};
  in_.erase(in_.begin(), end);
  return frame;
}

std::optional<std::string> RawClient::receive_line() {
  auto end = in_.end();
  while ((end = std::find(in_.begin(), in_.end(), '\n')) == in_.end()) {
    if (!fill()) {
      if (!in_.empty()) throw std::runtime_error("the server closed within a line");
      return std::nullopt;
    }
  }
  std::string line(in_.begin(), end);
  in_.erase(in_.begin(), end + 1);
  return line;
}

std::map<std::uint64_t, int> RawClient::receive_acks(std::uint64_t up_to) {
  std::map<std::uint64_t, int> codes;
  while (acked_ < up_to) {
    auto frame = receive_frame();
    if (!frame) throw std::runtime_error("closed before all was acknowledged");
    if (frame->type != 0x82) {
      others.push_back(std::move(*frame));
      continue;
    }
    const std::uint64_t to = little_endian(frame->body.data(), 8);
    const std::uint64_t n = little_endian(frame->body.data() + 8, 4);
    if (to < acked_ || frame->body.size() != 12 + 9 * n) throw std::runtime_error("a wrong ACK");
    for (std::uint64_t s = acked_ + 1; s <= to; ++s)
      codes[s] = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint8_t* at = frame->body.data() + 12 + 9 * i;
      codes.at(little_endian(at, 8)) = at[8];
    }
    acked_ = to;
  }
  return codes;
}

}  // namespace txindex::test
