// Strangers who abuse a port, many at once, each in a way of its own and from an address of its own
// in 127.0.0.0/8. Who is thrown out comes back a second later, or more when there are thousands:
// the crowd is to be a burden for the server, and not for the machine.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace txindex::test {

enum class Abuse : std::uint8_t {
  only_connect,
  garbage,
  http,
  tls,          // the beginning of a ClientHello
  slow,         // HELLO, then a TX of which one byte a second comes
  absurd,       // HELLO, then a frame of two gigabytes
  vanish,       // HELLO, half a TX, and a reset
  reads_none,   // HELLO and PING after PING; answers are not read
  one_address,  // as only_connect, but all from the same address
  worthless,    // HELLO and TX after TX of an unknown chain
};
inline constexpr std::size_t kAbuses = 10;

class Crowd {
 public:
  // Begins at once, on a thread of its own; of each kind about the same number.
  Crowd(std::uint16_t port, std::size_t strangers, std::uint64_t seed);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // How often the server has ended a connection of that kind.
  std::uint64_t ended(Abuse abuse) const { return ended_[static_cast<std::size_t>(abuse)]; }
  // Connections made.
  std::uint64_t made() const { return made_; }
  // Strangers that have a connection, as of the last round.
  std::size_t connected() const { return connected_; }

 private:
  class Stranger;
  using Clock = std::chrono::steady_clock;
  void run();

  const Clock::duration round_;       // each stranger does something so often
  const Clock::duration back_after_;  // who was thrown out stays away for so long

  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Stranger>> strangers_;
  std::atomic<std::uint64_t> ended_[kAbuses] = {};
  std::atomic<std::uint64_t> made_ = 0;
  std::atomic<std::size_t> connected_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace txindex::test
