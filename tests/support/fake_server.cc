#include "support/fake_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

namespace txindex::test {

class FakeServer::Session {
 public:
  Session(FakeServer& server, std::size_t number, int fd, Script script)
      : server_(server), number_(number), fd_(fd), script_(std::move(script)) {}

  void run() {
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!greet()) return;
    while (!over_) {
      if (take_frames()) continue;
      if (over_) return;
      if (due() >= script_.ack_every) acknowledge(received_);
      if (!input_within(script_.ack_when_quiet)) {
        acknowledge(received_);
        continue;
      }
      if (!receive()) return;
    }
  }

 private:
  std::uint64_t due() const { return received_ - acknowledged_; }

  template <typename Change>
  void note(Change change) {
    const std::scoped_lock lock(server_.mutex_);
    change(server_.connections_[number_]);
  }
  void broken(const std::string& what) {
    note([&](Connection& c) { c.broken = what; });
    over_ = true;
  }

  bool input_within(std::chrono::milliseconds limit) {
    pollfd waiting{fd_, POLLIN, 0};
    return poll(&waiting, 1, static_cast<int>(limit.count())) > 0;
  }

  bool receive() {
    const std::size_t before = in_.size();
    in_.resize(before + 256 * 1024);
    const ssize_t n = recv(fd_, in_.data() + before, in_.size() - before, 0);
    in_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    return n > 0;
  }

  void send_all(Bytes bytes) {
    while (!bytes.empty()) {
      const std::size_t piece =
          script_.write_bytes == 0 ? bytes.size() : std::min(bytes.size(), script_.write_bytes);
      const ssize_t n = send(fd_, bytes.data(), piece, MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
  }

  bool greet() {
    while (in_.size() < wire::kPreface.size()) {
      if (!receive()) return false;
    }
    if (!std::equal(wire::kPreface.begin(), wire::kPreface.end(), in_.begin())) {
      broken("preface");
      return false;
    }
    in_.erase(in_.begin(), in_.begin() + wire::kPreface.size());
    return true;
  }

  // One pass over what has come; false when that is less than a frame.
  bool take_frames() {
    std::size_t at = 0;
    while (!over_ && in_.size() - at >= limits::kFrameLengthBytes) {
      const std::size_t length = wire::load<std::uint32_t>(in_.data() + at);
      if (length == 0 || length > script_.welcome.largest_frame_bytes) {
        broken("frame length");
        break;
      }
      if (in_.size() - at < limits::kFrameLengthBytes + length) break;
      on_frame(Bytes(in_).subspan(at + limits::kFrameLengthBytes, length));
      at += limits::kFrameLengthBytes + length;
    }
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(at));
    return at != 0;
  }

  void on_frame(Bytes frame) {
    const auto type = static_cast<wire::FrameType>(frame[0]);
    const Bytes body = frame.subspan(1);
    if (type == wire::FrameType::hello) return on_hello(body);
    if (!greeted_) return broken("a frame before HELLO, or before WELCOME");
    if (type == wire::FrameType::tx) return on_tx(body);
    if (type == wire::FrameType::ping) return on_ping(body);
    if (type != wire::FrameType::finish || !body.empty()) return broken("unknown frame");
    note([](Connection& c) { c.finished = true; });
    acknowledge(received_);
    leave();
  }

  void on_hello(Bytes body) {
    const auto hello = wire::parse_hello(body);
    if (!hello || hello->version != wire::kVersion || greeted_) return broken("HELLO");
    note([&](Connection& c) { c.token = as_text(hello->token); });
    if (script_.end_after == 0 && script_.ack_first == 0) return end();
    if (!script_.says_welcome) return;
    wire::Buffer out;
    wire::append_welcome(out, script_.welcome);
    send_all(out);
    greeted_ = true;
    if (script_.end_after == 0) end();
  }

  void on_ping(Bytes body) {
    note([](Connection& c) { ++c.pings; });
    if (!script_.answers_ping) return;
    wire::Buffer out;
    wire::append_pong(out, body);
    send_all(out);
  }

  void on_tx(Bytes body) {
    if (!wire::parse_tx(body)) return broken("TX");
    ++received_;
    ++server_.received_;
    sizes_.push_back(limits::kFrameLengthBytes + 1 + body.size());
    unacknowledged_bytes_ += sizes_.back();
    auto outcome = wire::Outcome::committed;
    if (server_.judge_ || !server_.forget_) {
      const std::scoped_lock lock(server_.mutex_);
      if (server_.judge_) outcome = server_.judge_(body);
      auto& connection = server_.connections_[number_];
      if (!server_.forget_) connection.bodies.emplace_back(body.begin(), body.end());
      if (due() > script_.welcome.window_transactions ||
          unacknowledged_bytes_ > script_.welcome.window_bytes) {
        connection.window_respected = false;
      }
    }
    outcomes_.push_back(outcome);
    if (received_ == script_.end_after) end();
  }

  void acknowledge(std::uint64_t up_to) {
    up_to = std::min(up_to, received_);
    if (up_to <= acknowledged_) return;
    wire::Buffer out;
    std::optional<wire::AckWriter> ack(out);
    for (std::uint64_t n = acknowledged_ + 1; n <= up_to; ++n) {
      if (outcomes_[n - 1] != wire::Outcome::committed) {
        if (ack->full()) {
          ack->finish(n - 1);
          ack.emplace(out);
        }
        ack->exception(n, outcomes_[n - 1]);
      }
      unacknowledged_bytes_ -= sizes_[n - 1];
    }
    ack->finish(up_to);
    acknowledged_ = up_to;
    send_all(out);
  }

  void end() {
    if (script_.ending == Ending::hang) {
      // The end comes from outside: the client leaves, or the server object does.
      while (!peer_gone()) {
      }
      over_ = true;
      return;
    }
    if (script_.ending == Ending::drain) {
      wire::Buffer out;
      wire::append_drain(out);
      send_all(out);
      acknowledge(script_.ack_first == 0 ? 0 : received_);
      return leave();
    }
    acknowledge(script_.ack_first);
    if (script_.ending == Ending::say) {
      send_all(script_.last_words);
      return leave();
    }
    if (script_.ending == Ending::reset) {
      const linger none{1, 0};
      setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    }
    over_ = true;
  }

  bool peer_gone() {
    pollfd waiting{fd_, POLLRDHUP, 0};
    return poll(&waiting, 1, 100) > 0;
  }

  void leave() {
    shutdown(fd_, SHUT_WR);
    std::array<std::uint8_t, 64 * 1024> rest;
    while (input_within(std::chrono::seconds(2)) && recv(fd_, rest.data(), rest.size(), 0) > 0) {
    }
    over_ = true;
  }

  FakeServer& server_;
  const std::size_t number_;
  const int fd_;
  const Script script_;
  wire::Buffer in_;
  std::vector<std::size_t> sizes_;  // of frames, by sequence number - 1
  std::vector<wire::Outcome> outcomes_;
  std::uint64_t unacknowledged_bytes_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t acknowledged_ = 0;
  bool greeted_ = false;
  bool over_ = false;
};

FakeServer::FakeServer(ScriptFor script, Judge judge)
    : script_(std::move(script)), judge_(std::move(judge)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  auto* at = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || bind(listener_, at, bytes) != 0 || listen(listener_, 128) != 0 ||
      getsockname(listener_, at, &bytes) != 0) {
    throw std::runtime_error("fake server: no listener");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

FakeServer::FakeServer(const Script& script)
    : FakeServer([script](std::size_t) { return script; }) {}

FakeServer::~FakeServer() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    shutdown(listener_, SHUT_RDWR);
    for (const int fd : open_) {
      if (fd >= 0) shutdown(fd, SHUT_RDWR);
    }
  }
  acceptor_.join();
  for (auto& session : sessions_)
    session.join();
  close(listener_);
}

void FakeServer::accept_all() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::scoped_lock lock(mutex_);
    if (stopping_ || fd < 0) {
      if (fd >= 0) close(fd);
      return;
    }
    const std::size_t number = connections_.size();
    connections_.emplace_back();
    open_.push_back(fd);
    sessions_.emplace_back([this, number, fd, script = script_(number)] {
      Session(*this, number, fd, script).run();
      const std::scoped_lock closing(mutex_);
      close(fd);
      open_[number] = -1;
    });
  }
}

std::size_t FakeServer::connection_count() const {
  const std::scoped_lock lock(mutex_);
  return connections_.size();
}

std::vector<FakeServer::Connection> FakeServer::connections() const {
  const std::scoped_lock lock(mutex_);
  return connections_;
}

}  // namespace txindex::test
