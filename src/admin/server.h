// The admin port's HTTP server: what the shared statistics say, for machines and for people
// (site.h).
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "admin/session_limits.h"
#include "stats/segment.h"

namespace txindex::admin {

struct ServerOptions {
  std::vector<std::string> hosts;  // names that it answers to, beside localhost and all addresses
  std::size_t connections_max = 64;
  // When all are taken, the connection that has waited longest for its peer gives way to the next,
  // if it has waited for so long.
  std::chrono::milliseconds patience = std::chrono::milliseconds(500);
  // For answers that are under way when the server is stopped.
  std::chrono::milliseconds stopping = std::chrono::seconds(2);
  SessionLimits session;
};

class Server {
 public:
  // Serves on `descriptor`, a listening socket, which it takes over; other processes may hold
  // duplicates of it. `segment` is only read and outlives the Server. On the loop's thread only.
  Server(boost::asio::io_context& loop, int descriptor, const stats::Segment& segment,
         ServerOptions options = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void start();
  // Takes no more connections, and calls `gone` when those that are open have had their answers,
  // two seconds later at most. What waits in the socket's queue is for the other holders.
  void stop(std::function<void()> gone);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace txindex::admin
