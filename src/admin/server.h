// The admin port's HTTP server: what the shared statistics say, for machines and for people.
//
//   GET /          a page for people          GET /healthz   200 while this process answers
//   GET /metrics   Prometheus text            GET /readyz    200 if transactions can be taken
//   GET /status    JSON (README.md has it)
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "stats/segment.h"

namespace txindex::admin {

class Server {
 public:
  // Serves on `descriptor`, a listening socket, which it takes over; other processes may hold
  // duplicates of it. `segment` is only read and outlives the Server. On the loop's thread only.
  Server(boost::asio::io_context& loop, int descriptor, const stats::Segment& segment);
  ~Server();

  void start();
  // Takes no more connections, and calls `gone` when those that are open have had their answers,
  // two seconds later at most. What waits in the socket's queue is for the other holders.
  void stop(std::function<void()> gone);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace txindex::admin
