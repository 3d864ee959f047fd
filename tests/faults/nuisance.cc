#include "faults/nuisance.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <stdexcept>

#include "chain/base64.h"
#include "tools/transaction_reader.h"

namespace txindex::test {
namespace {

constexpr int kStallMs = 1500;
// Of those that are to be answered, and how long they wait for that: longer than an outage, or a
// scenario that is mostly outages would see none of them answered.
constexpr std::size_t kRepeatedEachVisit = 8;
constexpr int kPatienceMs = 30'000;
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

wire::Buffer opening() {
  wire::Buffer bytes(wire::kPreface.begin(), wire::kPreface.end());
  wire::append_hello(bytes);
  return bytes;
}

}  // namespace

Nuisance::Nuisance(Endpoint server, const std::string& file, std::uint64_t seed,
                   const std::vector<Kind>& kinds)
    : server_(std::move(server)), stop_(eventfd(0, EFD_CLOEXEC)) {
  auto reader = tools::TransactionReader::open(file);
  if (!reader) throw std::runtime_error(reader.error().message);
  tools::TransactionReader::Item item;
  using Status = tools::TransactionReader::Status;
  for (auto status = reader->next(item); *status != Status::end; status = reader->next(item)) {
    if (*status == Status::need_input) {
      reader->fill().value();
      continue;
    }
    wire::append_tx(frames_.emplace_back(), item.tx);
    if (item.tx.time_us) continue;
    // A line has no time.
    const std::string line = chain::base64::encode(item.tx.transaction) + "\n";
    lines_.emplace_back(line.begin(), line.end());
  }
  for (const Kind kind : kinds)
    threads_.emplace_back([this, kind, seed] { run(kind, seed + static_cast<unsigned>(kind)); });
}

Nuisance::~Nuisance() {
  end();
  close(stop_);
}

void Nuisance::end() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = write(stop_, &one, sizeof one);
  for (auto& thread : threads_)
    thread.join();
  threads_.clear();
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
    visits_[static_cast<std::size_t>(kind)] += visit(kind, fd, engine());
    close(fd);
  }
}

bool Nuisance::visit(Kind kind, int fd, std::uint64_t random) {
  switch (kind) {
    case Kind::vanishes:
    case Kind::stalls:
      return abuse(kind, fd, random);
    case Kind::deaf:
      return be_deaf(fd, random);
    case Kind::lines:
    case Kind::repeats:
      return repeat(kind, fd, random);
  }
  return false;
}

bool Nuisance::abuse(Kind kind, int fd, std::uint64_t random) {
  push(fd, opening());
  const auto frame = [&] { return frames_[random++ % frames_.size()]; };
  for (std::size_t i = random % 8; i > 0; --i)
    push(fd, frame());
  wire::Buffer part = frame();
  part.resize(1 + random % (part.size() - 1));
  push(fd, part);
  if (kind == Kind::stalls) {
    wait(kStallMs);
    return true;
  }
  // Gone without a word: a reset.
  const linger now{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  return true;
}

// What it is told is soon more than the server keeps for one that does not read.
bool Nuisance::be_deaf(int fd, std::uint64_t random) {
  std::uint64_t held_back_ms = 0;
  wire::Buffer unsent;
  while (wait(0)) {
    if (unsent.empty()) unsent = lines_[random++ % lines_.size()];
    const auto n = send(fd, unsent.data(), unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      unsent.erase(unsent.begin(), unsent.begin() + n);
    } else if (errno != EAGAIN) {
      return held_back_ms > 0;  // the server has had enough
    } else {
      if (!wait(kPauseMs)) break;
      held_back_ms += kPauseMs;
    }
  }
  return held_back_ms > 0;
}

bool Nuisance::repeat(Kind kind, int fd, std::uint64_t random) {
  if (kind == Kind::repeats) push(fd, opening());
  const auto& all = kind == Kind::repeats ? frames_ : lines_;
  for (std::size_t i = 0; i < kRepeatedEachVisit; ++i)
    push(fd, all[(random + i) % all.size()]);
  if (kind == Kind::repeats) {
    wire::Buffer finish;
    wire::append_finish(finish);
    push(fd, finish);
  } else {
    shutdown(fd, SHUT_WR);
  }
  // All is answered before the server closes.
  std::size_t answers = 0;
  for (;;) {
    pollfd waiting[] = {{fd, POLLIN, 0}, {stop_, POLLIN, 0}};
    if (poll(waiting, 2, kPatienceMs) <= 0 || waiting[1].revents != 0) return false;
    std::array<char, 4096> bytes;
    const auto n = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n <= 0) return n == 0 && answers > 0;
    answers += static_cast<std::size_t>(n);
  }
}

}  // namespace txindex::test
