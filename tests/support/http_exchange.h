// HTTP as bytes over loopback, for tests that look at what a server really sends.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace txindex::test {

struct HttpReply {
  int status = 0;                              // 0: the connection ended without a whole reply
  std::map<std::string, std::string> headers;  // names in small letters
  std::string body;
};

// One connection to 127.0.0.1. Reading gives up after ten seconds.
class HttpConnection {
 public:
  explicit HttpConnection(std::uint16_t port);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // False when the server has closed the connection.
  bool send(const std::string& bytes);
  // `head`: the reply to HEAD, which has no body whatever its header says.
  HttpReply read(bool head = false);
  // GET with a Host header of 127.0.0.1, and its reply.
  HttpReply get(const std::string& target);
  // Whether the server ends the connection, in whatever way, before `limit`.
  bool ends(std::chrono::milliseconds limit);

 private:
  bool fill(std::chrono::milliseconds limit);

  int fd_;
  std::string unread_;
};

// On a connection of its own.
HttpReply http_get(std::uint16_t port, const std::string& target);

}  // namespace txindex::test
