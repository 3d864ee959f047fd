// One HTTP connection of the admin port: requests without a body, one after the other, each within
// a deadline.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "admin/session_limits.h"
#include "admin/site.h"

namespace txindex::admin {

// Loop thread only. It keeps itself alive while it is open.
class Session : public std::enable_shared_from_this<Session> {
 public:
  using Clock = std::chrono::steady_clock;
  using Socket = boost::asio::ip::tcp::socket;

  // `gone` is called once, when the connection is closed, unless forget() came before.
  Session(Socket socket, const Site& site, const SessionLimits& limits,
          std::function<void(Session&)> gone);

  void start();
  // Closes now if no request has begun, else when it is answered.
  void finish();
  void close();
  // Nobody waits for `gone` any more.
  void forget() { gone_ = nullptr; }

  // Since when it has waited for its peer for what it waits for now.
  Clock::time_point waiting_since() const { return waiting_since_; }

 private:
  enum class Phase : std::uint8_t { idle, request, answer, goodbye, closed };

  void enter(Phase phase, std::chrono::milliseconds limit);
  void on_deadline();
  void wait_for_request();
  void read_request();
  void on_request(const boost::system::error_code& problem, std::size_t bytes);
  void write(Answer answer, bool head, unsigned version, bool keep_alive);
  void refuse(unsigned status, std::string text);
  void on_written(const boost::system::error_code& problem);
  void say_goodbye();
  void read_out();

  Socket socket_;
  const Site& site_;
  const SessionLimits limits_;
  std::function<void(Session&)> gone_;
  boost::asio::steady_timer deadline_;
  Phase phase_ = Phase::idle;
  Clock::time_point waiting_since_;
  bool late_ = false;  // the deadline of a request has passed
  bool finishing_ = false;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::empty_body>> parser_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::string_body>>
      serializer_;
};

}  // namespace txindex::admin
