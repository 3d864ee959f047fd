// Owns the connections of a worker.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "access/guard.h"
#include "flow/chunk.h"
#include "flow/gate.h"
#include "net/address_counts.h"
#include "net/deadlines.h"
#include "net/receiver.h"
#include "stats/block.h"

namespace txindex::net {

class Connection;

struct ConnectionLimits {
  std::size_t per_address = std::numeric_limits<std::size_t>::max();
  DeadlineLimits deadlines;
};

// Loop thread only.
class Connections {
 public:
  Connections(boost::asio::io_context& loop, flow::Gate& gate, flow::ChunkPool& chunks,
              Receiver& receiver, stats::Block& stats, ConnectionLimits limits = {},
              Clocks clocks = read_clocks);
  ~Connections();

  // What is asked of those that come from now on; nothing if this is never called. Must outlive
  // them.
  void guard(const access::Guard& guard) { guard_ = &guard; }
  const access::Guard& guard() const { return *guard_; }

  // Refuses it, and says so, if its address has as many as it may.
  void add(boost::asio::ip::tcp::socket socket);
  std::size_t size() const { return connections_.size(); }

  // Every connection says DRAIN, answers what it received and ends; `done` is called when the last
  // one is gone. A connection added later is drained at once.
  void drain(std::function<void()> done);

  // A connection has answers to send; flush() sends those of all that said so, and is called by
  // itself when the loop has nothing more urgent.
  void mark(Connection& connection);
  void flush();

  // Looks after those on which nothing happens. To be called every second.
  void tend() { tend(now().steady_us); }
  void tend(std::int64_t now_steady_us);

  // The connection is closed and no ticket names it any more.
  void remove(Connection& connection);

  boost::asio::io_context& loop() { return loop_; }
  flow::Gate& gate() { return gate_; }
  flow::ChunkPool& chunks() { return chunks_; }
  Receiver& receiver() { return receiver_; }
  stats::Block& stats() { return stats_; }
  ReadTime now() const { return clocks_(); }
  const DeadlineLimits& deadlines() const { return limits_.deadlines; }
  // What connections have said that is worth nothing, since they were last tended.
  unsigned worthless() const { return worthless_; }
  void count_worthless() { ++worthless_; }

 private:
  struct Entry {
    std::shared_ptr<Connection> connection;
    std::optional<AddressCounts::Key> counted;  // none: refused
  };

  boost::asio::io_context& loop_;
  flow::Gate& gate_;
  flow::ChunkPool& chunks_;
  Receiver& receiver_;
  stats::Block& stats_;
  const access::Guard open_guard_;
  const access::Guard* guard_ = &open_guard_;
  const ConnectionLimits limits_;
  const Clocks clocks_;
  std::unordered_map<Connection*, Entry> connections_;
  AddressCounts addresses_;
  unsigned worthless_ = 0;
  std::size_t refusals_ = 0;  // of connections_, those that are told why they are refused
  std::vector<std::shared_ptr<Connection>> marked_;
  std::vector<std::shared_ptr<Connection>> flushing_;
  bool draining_ = false;
  std::function<void()> drained_;
};

}  // namespace txindex::net
