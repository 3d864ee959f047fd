// The listening socket of a worker, one of several on the same address (SO_REUSEPORT).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "txindex/endpoint.h"
#include "txindex/result.h"

#include "net/connections.h"

namespace txindex::net {

// Binds with SO_REUSEPORT and listens; the descriptor is the caller's, and is closed on exec.
result<int> open_listener(const Endpoint& endpoint);

// Accepts into Connections until it is stopped. Loop thread only.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  // Takes the descriptor. At `max_connections` it stops accepting until one ends; those who wait
  // are in the kernel's queue.
  Listener(int descriptor, Connections& connections, std::size_t max_connections);
  ~Listener();

  void start();
  // Accepts what the kernel has completed already, then leaves: for the last one that serves it.
  void stop();
  // Leaves the socket and its queue to the other processes that have it.
  void leave();

 private:
  void wait();
  void accept_some();
  void pause(std::chrono::milliseconds time);

  Connections& connections_;
  const std::size_t max_connections_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer timer_;
  bool complained_ = false;
};

}  // namespace txindex::net
