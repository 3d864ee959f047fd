// Producers that come and go all the time: connect, say HELLO, wait for WELCOME, say FINISH, leave.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace txindex::test {

class Churn {
 public:
  // Begins with that many connections at a time.
  Churn(std::uint16_t port, int connections);
  ~Churn();
  // Ends it; the counts are final then.
  void stop();

  // How connections went.
  std::atomic<int> served{0};        // from WELCOME to a clean end
  std::atomic<int> refused{0};       // connect() said so
  std::atomic<int> reset_early{0};   // before WELCOME
  std::atomic<int> reset_late{0};    // after it
  std::atomic<int> closed_early{0};  // the server ended it in good order, without a WELCOME
  std::atomic<int> hung{0};          // nothing for 20 s

  std::string text() const;

  // The own ports of those that ended before WELCOME, by reset or in good order.
  std::vector<std::uint16_t> broken_early() const;

 private:
  void run(std::uint16_t port);

  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<std::uint16_t> broken_early_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

// A connection that has been made and has said HELLO, and what becomes of it.
class Visitor {
 public:
  explicit Visitor(std::uint16_t port);  // throws if it is refused
  ~Visitor();
  Visitor(Visitor&& other) noexcept;
  Visitor(const Visitor&) = delete;

  enum class Fate : std::uint8_t { welcome, reset, closed, hung };
  Fate wait();                                  // for WELCOME
  std::uint16_t port() const { return port_; }  // its own
  Fate finish();  // FINISH, and what comes instead of a clean end (closed)

 private:
  Fate read_on(std::size_t at_least);

  int fd_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace txindex::test
