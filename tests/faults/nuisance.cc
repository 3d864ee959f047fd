#include "faults/nuisance.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <stdexcept>

#include "tools/transaction_reader.h"

namespace txindex::test {
namespace {

constexpr int kStallMs = 1500;
constexpr int kSlowByteMs = 1000;
constexpr int kPauseMs = 20;

int connect_to(const Endpoint& server) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // Small buffers, so that who reads nothing is felt by the server at once.
  const int small = 4096;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port);
  inet_pton(AF_INET, server.host.c_str(), &address.sin_addr);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

// As much as goes without waiting.
void push(int fd, const wire::Buffer& bytes) {
  [[maybe_unused]] const auto n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

Nuisance::Nuisance(Endpoint server, const std::string& file, std::uint64_t seed)
    : server_(std::move(server)), stop_(eventfd(0, EFD_CLOEXEC)) {
  auto reader = tools::TransactionReader::open(file);
  if (!reader) throw std::runtime_error(reader.error().message);
  tools::TransactionReader::Item item;
  using Status = tools::TransactionReader::Status;
  for (auto status = reader->next(item); *status != Status::end; status = reader->next(item)) {
    if (*status == Status::need_input) {
      reader->fill().value();
    } else {
      wire::append_tx(frames_.emplace_back(), item.tx);
    }
  }
  for (const Kind kind : {Kind::vanishes, Kind::stalls, Kind::deaf, Kind::slow}) {
    threads_.emplace_back([this, kind, seed] { run(kind, seed + static_cast<unsigned>(kind)); });
  }
}

Nuisance::~Nuisance() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = write(stop_, &one, sizeof one);
  for (auto& thread : threads_)
    thread.join();
  close(stop_);
}

// False: it is over.
bool Nuisance::wait(int ms) const {
  pollfd waiting{stop_, POLLIN, 0};
  return poll(&waiting, 1, ms) == 0;
}

void Nuisance::run(Kind kind, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  while (wait(kPauseMs)) {
    const int fd = connect_to(server_);
    if (fd < 0) continue;
    ++connections_;
    visit(kind, fd, engine());
    close(fd);
  }
}

void Nuisance::visit(Kind kind, int fd, std::uint64_t random) {
  wire::Buffer opening(wire::kPreface.begin(), wire::kPreface.end());
  wire::append_hello(opening);
  if (kind == Kind::slow) {
    for (const std::uint8_t byte : opening) {
      push(fd, {byte});
      if (!wait(kSlowByteMs)) return;
    }
    return;
  }
  push(fd, opening);
  const auto frame = [&] { return frames_[random++ % frames_.size()]; };
  const std::size_t whole = kind == Kind::deaf ? frames_.size() : random % 8;
  for (std::size_t i = 0; i < whole; ++i)
    push(fd, frame());
  if (kind == Kind::deaf) {
    wait(kStallMs);
    return;
  }
  wire::Buffer part = frame();
  part.resize(1 + random % (part.size() - 1));
  push(fd, part);
  if (kind == Kind::stalls) {
    wait(kStallMs);
    return;
  }
  // Gone without a word: a reset.
  const linger now{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace txindex::test
