// A client on a pair of local sockets, on the same thread as the loop that serves the other end.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>

#include "txindex/wire/frame.h"

#include "fuzz/target.h"

namespace txindex::fuzz {

class LocalClient {
 public:
  explicit LocalClient(boost::asio::io_context& loop);
  ~LocalClient();
  LocalClient(const LocalClient&) = delete;
  LocalClient& operator=(const LocalClient&) = delete;

  // For the server, which is to take it over. Once.
  int server_end();

  // Sends the stream in pieces of this size, with turns of the loop between them; then ends this
  // side, and reads until the server ends its own, which it must. `nothing_moves` is called after
  // each turn that brought nothing: what a server does only when time passes, it is to do then.
  wire::Buffer exchange(
      Bytes stream, std::size_t piece, const std::function<void()>& nothing_moves = [] {});

 private:
  void turn();
  bool read();
  bool read_all();

  boost::asio::io_context& loop_;
  int client_ = -1;
  int server_ = -1;
  bool ended_ = false;
  wire::Buffer received_;
};

}  // namespace txindex::fuzz
