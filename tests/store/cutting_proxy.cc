#include "store/cutting_proxy.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace txindex::test {
namespace {

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof(address.sun_path)) throw std::runtime_error("path too long");
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

bool send_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

// Is a ReadyForQuery the last message? What PostgreSQL says before, to ask for the rows of a COPY,
// is no answer yet.
bool ends_a_statement(const char* data, std::size_t size) {
  constexpr char kReady[] = {'Z', 0, 0, 0, 5};
  return size > sizeof(kReady) && std::memcmp(data + size - 6, kReady, sizeof(kReady)) == 0;
}

}  // namespace

CuttingProxy::CuttingProxy(std::filesystem::path server) : server_(std::move(server)) {
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_of(dir_ / server_.filename());
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener_, 16) != 0 || pipe2(wake_, O_CLOEXEC) != 0) {
    throw std::runtime_error("proxy");
  }
  thread_ = std::thread([this] { run(); });
}

CuttingProxy::~CuttingProxy() {
  close(wake_[1]);
  thread_.join();
  close(wake_[0]);
  close(listener_);
  for (const Pair& pair : pairs_) {
    close(pair.client);
    close(pair.server);
  }
}

void CuttingProxy::cut_next_answer(std::size_t min_request_bytes) {
  cut_at_ = min_request_bytes;
}

void CuttingProxy::accept_one() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_of(server_);
  if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    close(client);
    close(server);
    return;
  }
  pairs_.push_back({client, server});
}

// False: the pair is to be closed.
bool CuttingProxy::relay(Pair& pair, short client_events, short server_events) {
  char data[65536];
  if (client_events != 0) {
    const ssize_t got = recv(pair.client, data, sizeof(data), 0);
    if (got <= 0 || !send_all(pair.server, data, static_cast<std::size_t>(got))) return false;
    pair.request_bytes += static_cast<std::size_t>(got);
  }
  if (server_events != 0) {
    const ssize_t got = recv(pair.server, data, sizeof(data), 0);
    if (got <= 0) return false;
    if (ends_a_statement(data, static_cast<std::size_t>(got))) {
      const std::size_t cut_at = cut_at_;
      if (cut_at != 0 && pair.request_bytes >= cut_at) {
        cut_at_ = 0;
        ++cuts_;
        return false;
      }
      pair.request_bytes = 0;
    }
    if (!send_all(pair.client, data, static_cast<std::size_t>(got))) return false;
  }
  return true;
}

void CuttingProxy::run() {
  for (;;) {
    std::vector<pollfd> waiting = {{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Pair& pair : pairs_) {
      waiting.push_back({pair.client, POLLIN, 0});
      waiting.push_back({pair.server, POLLIN, 0});
    }
    poll(waiting.data(), waiting.size(), -1);
    if (waiting[0].revents != 0) return;
    std::vector<Pair> kept;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      Pair pair = pairs_[i];
      if (relay(pair, waiting[2 + 2 * i].revents, waiting[3 + 2 * i].revents)) {
        kept.push_back(pair);
      } else {
        close(pair.client);
        close(pair.server);
      }
    }
    pairs_ = std::move(kept);
    if (waiting[1].revents != 0) accept_one();
  }
}

}  // namespace txindex::test
