#include "support/crowd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

namespace txindex::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kBetweenSlowBytes = seconds(1);
constexpr auto kBeforeVanishing = milliseconds(500);

using namespace std::string_literals;

const std::string kHelloText = "\0TXI\x04\0\0\0\x01\x01\0\0"s;
const std::string kTxOf1000 = "\xe8\x03\0\0\x02\x01\0"s;

std::string many(const std::string& frame) {
  std::string all;
  for (int i = 0; i < 5000; ++i)
    all += frame;
  return all;
}
const std::string kPings = many("\x09\0\0\0\x03pingping"s);
const std::string kTxOfUnknownChain = many("\x04\0\0\0\x02\x63\0x"s);

}  // namespace

class Crowd::Stranger {
 public:
  Stranger(Abuse kind, std::uint16_t port, std::uint32_t address, Crowd& crowd)
      : kind_(kind), port_(port), address_(address), crowd_(crowd) {}
  ~Stranger() { leave(); }

  bool connected() const { return fd_ >= 0; }

  void act(Clock::time_point now) {
    if (fd_ < 0) return now < next_ ? void() : connect(now);
    if (kind_ != Abuse::reads_none && has_been_ended()) return count_end();
    if (!unsent_.empty()) return send();
    if (kind_ == Abuse::slow && now >= next_) {
      unsent_ = "x";
      next_ = now + kBetweenSlowBytes;
    }
    if (kind_ == Abuse::vanish && now >= next_) return vanish();
    if (kind_ == Abuse::reads_none) send_on(kPings);
    if (kind_ == Abuse::worthless) send_on(kTxOfUnknownChain);
  }

 private:
  void connect(Clock::time_point now) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) return;
    const int on = 1;
    setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const int little = 4096;  // so that what it does not read is soon more than the sockets hold
    if (kind_ == Abuse::reads_none) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    // What the strangers do is to cost the server's machine, which this one is too, and not much
    // more: what the server does not read is not to fill their memory.
    const int moderate = 16 * 1024;
    setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &moderate, sizeof moderate);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(address_);
    sockaddr_in to = from;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port_);
    if (bind(fd_, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0 ||
        (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 &&
         errno != EINPROGRESS)) {
      return leave();
    }
    ++crowd_.made_;
    next_ = now + (kind_ == Abuse::vanish ? Clock::duration(kBeforeVanishing) : kBetweenSlowBytes);
    unsent_ = opening();
    at_ = 0;
    send();
  }

  std::string opening() {
    switch (kind_) {
      case Abuse::garbage: {
        std::string bytes(2000, 0);
        for (auto& byte : bytes)
          byte = static_cast<char>(crowd_.random_());
        return bytes;
      }
      case Abuse::http:
        return "GET / HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\n\r\n";
      case Abuse::tls:
        return "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s + std::string(506, 'r');
      case Abuse::slow:
      case Abuse::vanish:
        return kHelloText + kTxOf1000;
      case Abuse::absurd:
        return kHelloText + "\xff\xff\xff\x7f\x02"s;
      case Abuse::reads_none:
      case Abuse::worthless:
        return kHelloText;
      case Abuse::only_connect:
      case Abuse::one_address:
        break;
    }
    return {};
  }

  void send() {
    if (unsent_.empty()) return;
    const auto n = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) unsent_.erase(0, static_cast<std::size_t>(n));
  }

  // The same frames for ever.
  void send_on(const std::string& frames) {
    for (;;) {
      const auto n =
          ::send(fd_, frames.data() + at_, frames.size() - at_, MSG_NOSIGNAL | MSG_DONTWAIT);
      // Others find out by reading, so that they have what the server said.
      if (n < 0 && errno != EAGAIN && kind_ == Abuse::reads_none) return count_end();
      if (n <= 0) return;
      at_ = (at_ + static_cast<std::size_t>(n)) % frames.size();
    }
  }

  bool has_been_ended() const {
    std::array<char, 4096> bytes;
    for (;;) {
      const auto n = recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (n == 0) return true;
      if (n < 0) return errno != EAGAIN;
    }
  }

  void count_end() {
    ++crowd_.ended_[static_cast<std::size_t>(kind_)];
    leave();
  }

  void vanish() {
    const linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    leave();
  }

  void leave() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    next_ = Clock::now() + crowd_.back_after_;
  }

  const Abuse kind_;
  const std::uint16_t port_;
  const std::uint32_t address_;
  Crowd& crowd_;
  int fd_ = -1;
  Clock::time_point next_;  // when it connects, or does what its kind does
  std::string unsent_;
  std::size_t at_ = 0;  // of what it sends for ever
};

Crowd::Crowd(std::uint16_t port, std::size_t strangers, std::uint64_t seed)
    : round_(std::max<Clock::duration>(milliseconds(100), microseconds(50) * strangers)),
      back_after_(std::max<Clock::duration>(seconds(1), microseconds(250) * strangers)),
      random_(seed) {
  constexpr std::uint32_t kFirst = (127U << 24) + (1U << 16);
  for (std::size_t i = 0; i < strangers; ++i) {
    const auto kind = static_cast<Abuse>(i % kAbuses);
    const auto own = kFirst + static_cast<std::uint32_t>(i);
    strangers_.push_back(std::make_unique<Stranger>(
        kind, port, kind == Abuse::one_address ? kFirst - 1 : own, *this));
  }
  thread_ = std::thread([this] { run(); });
}

Crowd::~Crowd() {
  stop_ = true;
  thread_.join();
}

void Crowd::run() {
  while (!stop_) {
    const auto now = Clock::now();
    std::size_t connected = 0;
    for (auto& stranger : strangers_) {
      if (stop_) return;
      stranger->act(now);
      connected += stranger->connected() ? 1 : 0;
    }
    connected_ = connected;
    std::this_thread::sleep_until(now + round_);
  }
}

}  // namespace txindex::test
