#include "fuzz/local_exchange.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace txindex::fuzz {
namespace {

// A server that is told that the stream is over has little left to do.
constexpr int kTurnsMax = 1000;

}  // namespace

LocalClient::LocalClient(boost::asio::io_context& loop) : loop_(loop) {
  std::array<int, 2> ends{};
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0,
          "there is a pair of sockets");
  client_ = ends[0];
  server_ = ends[1];
}

LocalClient::~LocalClient() {
  ::close(client_);
  if (server_ >= 0) ::close(server_);
  turn();
}

int LocalClient::server_end() {
  return std::exchange(server_, -1);
}

void LocalClient::turn() {
  loop_.restart();
  loop_.poll();
}

// False: there is nothing just now.
bool LocalClient::read() {
  std::array<std::uint8_t, 16384> part;
  const ssize_t n = ::recv(client_, part.data(), part.size(), MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return false;
  // A server that is done may leave bytes of ours unread, which is a reset.
  ended_ = n <= 0;
  if (n > 0) received_.insert(received_.end(), part.begin(), part.begin() + n);
  return n > 0;
}

// False: there was nothing.
bool LocalClient::read_all() {
  const std::size_t before = received_.size();
  while (read()) {
  }
  return ended_ || received_.size() != before;
}

wire::Buffer LocalClient::exchange(Bytes stream, std::size_t piece,
                                   const std::function<void()>& nothing_moves) {
  while (!stream.empty() && !ended_) {
    const ssize_t n =
        ::send(client_, stream.data(), std::min(piece, stream.size()), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) break;
    if (n > 0) stream = stream.subspan(static_cast<std::size_t>(n));
    turn();
    if (!read_all() && n < 0) nothing_moves();
  }
  ::shutdown(client_, SHUT_WR);
  for (int i = 0; i < kTurnsMax && !ended_; ++i) {
    turn();
    if (!read_all()) nothing_moves();
  }
  require(ended_, "the server ends a connection whose client has");
  return std::exchange(received_, {});
}

}  // namespace txindex::fuzz
