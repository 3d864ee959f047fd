// A client on a pair of local sockets, on the same thread as the loop that serves the other end.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>

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
  // side, and reads until the server ends its own, which it must.
  wire::Buffer exchange(Bytes stream, std::size_t piece);

 private:
  void turn();
  bool read();

  boost::asio::io_context& loop_;
  int client_ = -1;
  int server_ = -1;
  bool ended_ = false;
  wire::Buffer received_;
};

}  // namespace txindex::fuzz
