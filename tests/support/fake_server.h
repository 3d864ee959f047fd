// A server of the binary protocol that behaves, or misbehaves, as a test tells it. It stores
// nothing and verifies nothing. One thread accepts, one serves each connection; all end with it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "txindex/limits.h"
#include "txindex/wire/ack.h"
#include "txindex/wire/frame.h"

namespace txindex::test {

class FakeServer {
 public:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  enum class Ending {
    close,  // FIN, as a process that ends
    reset,  // RST, what was not read is lost, and acknowledgements may be
    drain,  // DRAIN, the acknowledgements that are due, FIN, read to the end
    say,    // `last_words`, FIN, read to the end
    hang,   // reads and writes no more, stays open
  };

  // How one connection goes.
  struct Script {
    wire::Welcome welcome{wire::kVersion, static_cast<std::uint32_t>(limits::kFrameMaxBytes),
                          limits::kWindowMaxTransactions, limits::kWindowMaxBytes};
    bool says_welcome = true;
    bool answers_ping = true;
    // An ACK goes out when so many are due, and when nothing came for `ack_when_quiet`.
    std::uint64_t ack_every = 1;
    std::chrono::milliseconds ack_when_quiet{5};
    // It ends when it has received this many TX, of which it acknowledged at least `ack_first`.
    std::uint64_t end_after = kNever;
    std::uint64_t ack_first = kNever;  // as many as there are
    Ending ending = Ending::close;
    wire::Buffer last_words;
    std::size_t write_bytes = 0;  // not 0: what it sends goes out in pieces of this size
  };

  // What a connection was sent.
  struct Connection {
    std::vector<wire::Buffer> bodies;  // of TX frames, whole
    std::uint64_t pings = 0;
    std::string token;
    bool finished = false;         // FINISH came
    bool window_respected = true;  // never more, nor more bytes, than WELCOME said
    std::string broken;            // what the client did against the protocol
  };

  // `script` is asked for each connection, numbered from 0; `judge` for each TX. Both are called
  // with the server's lock held, so one at a time, from its threads.
  using ScriptFor = std::function<Script(std::size_t connection)>;
  using Judge = std::function<wire::Outcome(Bytes body)>;
  explicit FakeServer(ScriptFor script, Judge judge = {});
  explicit FakeServer(const Script& script);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::size_t connection_count() const;
  std::vector<Connection> connections() const;  // a copy
  // For speed: do not keep the bodies.
  void forget_bodies() { forget_ = true; }
  std::uint64_t received() const { return received_; }

 private:
  class Session;
  void accept_all();

  const ScriptFor script_;
  const Judge judge_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> forget_ = false;
  std::atomic<std::uint64_t> received_ = 0;

  mutable std::mutex mutex_;
  std::vector<Connection> connections_;
  std::vector<int> open_;  // descriptors of sessions under way, -1 when closed; index as above
  bool stopping_ = false;
  std::vector<std::thread> sessions_;
  std::thread acceptor_;
};

// A port on this machine at which nobody listens any more.
inline std::uint16_t port_of_nobody() {
  return FakeServer(FakeServer::Script{}).port();
}

}  // namespace txindex::test
