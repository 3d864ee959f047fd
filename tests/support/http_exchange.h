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

// The median of a hundred answers is to come within this time, however busy the machine is with its
// work. A sanitizer makes the work that the admin port competes with several times as much.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::chrono::milliseconds kAtOnce{100};
#else
inline constexpr std::chrono::milliseconds kAtOnce{10};
#endif

// On a connection of its own.
HttpReply http_get(std::uint16_t port, const std::string& target);

}  // namespace txindex::test
