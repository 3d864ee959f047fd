// Owns the connections of a worker.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "access/guard.h"
#include "flow/chunk.h"
#include "flow/gate.h"
#include "net/receiver.h"
#include "stats/block.h"

namespace txindex::net {

class Connection;

// Loop thread only.
class Connections {
 public:
  Connections(boost::asio::io_context& loop, flow::Gate& gate, flow::ChunkPool& chunks,
              Receiver& receiver, stats::Block& stats);
  ~Connections();

  // What is asked of those that come from now on; nothing if this is never called. Must outlive
  // them.
  void guard(const access::Guard& guard) { guard_ = &guard; }
  const access::Guard& guard() const { return *guard_; }

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
  void tend();

  // The connection is closed and no ticket names it any more.
  void remove(Connection& connection);

  boost::asio::io_context& loop() { return loop_; }
  flow::Gate& gate() { return gate_; }
  flow::ChunkPool& chunks() { return chunks_; }
  Receiver& receiver() { return receiver_; }
  stats::Block& stats() { return stats_; }

 private:
  boost::asio::io_context& loop_;
  flow::Gate& gate_;
  flow::ChunkPool& chunks_;
  Receiver& receiver_;
  stats::Block& stats_;
  const access::Guard open_guard_;
  const access::Guard* guard_ = &open_guard_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  std::vector<std::shared_ptr<Connection>> marked_;
  std::vector<std::shared_ptr<Connection>> flushing_;
  bool draining_ = false;
  std::function<void()> drained_;
};

}  // namespace txindex::net
