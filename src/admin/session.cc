#include "admin/session.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

namespace txindex::admin {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t kReadBytes = 4096;

bool is_of_http(const error_code& problem) {
  return problem.category() == http::make_error_code(http::error::bad_method).category();
}

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

Session::Session(Socket socket, const Site& site, const SessionLimits& limits,
                 std::function<void(Session&)> gone)
    : socket_(std::move(socket)),
      site_(site),
      limits_(limits),
      gone_(std::move(gone)),
      deadline_(socket_.get_executor()),
      waiting_since_(Clock::now()),
      // The rest is for a request that a client has sent before it had this one's answer.
      buffer_(2 * limits.header_max_bytes) {}

void Session::start() {
  wait_for_request();
}

void Session::enter(Phase phase, std::chrono::milliseconds limit) {
  phase_ = phase;
  waiting_since_ = Clock::now();
  deadline_.expires_after(limit);
  deadline_.async_wait([self = shared_from_this()](const error_code& cancelled) {
    // One that was due already when the next phase set it anew says nothing of that phase.
    if (!cancelled && self->deadline_.expiry() <= Clock::now()) self->on_deadline();
  });
}

void Session::on_deadline() {
  if (phase_ != Phase::request) return close();
  late_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

void Session::wait_for_request() {
  if (buffer_.size() > 0) return read_request();
  if (finishing_) return say_goodbye();
  enter(Phase::idle, limits_.idle);
  socket_.async_read_some(buffer_.prepare(kReadBytes),
                          [self = shared_from_this()](const error_code& problem, std::size_t got) {
                            if (self->phase_ == Phase::closed) return;
                            if (problem) return self->close();
                            self->buffer_.commit(got);
                            self->read_request();
                          });
}

void Session::read_request() {
  enter(Phase::request, limits_.request);
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(limits_.header_max_bytes));
  parser_->body_limit(boost::none);  // a body is refused whatever its size
  http::async_read_header(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](const error_code& problem, std::size_t bytes) {
        if (self->phase_ != Phase::closed) self->on_request(problem, bytes);
      });
}

void Session::on_request(const error_code& problem, std::size_t bytes) {
  if (late_) return refuse(408, "The request took too long.");
  // The parser's limit holds for the request line and for the fields, each or together, as the
  // request comes in pieces; ours for both together, however it comes.
  if (problem == http::error::header_limit || problem == http::error::buffer_overflow ||
      bytes > limits_.header_max_bytes) {
    return refuse(431, "The request's header is too large: at most " +
                           std::to_string(limits_.header_max_bytes) + " bytes are read.");
  }
  if (problem == http::error::end_of_stream || problem == http::error::partial_message) {
    return close();
  }
  if (is_of_http(problem)) return refuse(400, "This is not HTTP: " + problem.message() + ".");
  if (problem) return close();

  const auto& request = parser_->get();
  const auto hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && request.version() >= 11)) {
    return refuse(400, "A request must have one Host header.");
  }
  Answer answer = site_.answer({.method = view(request.method_string()),
                                .target = view(request.target()),
                                .host = view(request[http::field::host])});
  const bool has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
  if (has_body && answer.status < 400) return refuse(413, "A request must not have a body.");
  write(std::move(answer), request.method() == http::verb::head, request.version(),
        request.keep_alive() && !has_body && !finishing_);
}

void Session::refuse(unsigned status, std::string text) {
  Answer answer;
  answer.status = status;
  answer.body = std::move(text) + "\n";
  write(std::move(answer), false, 11, false);
}

void Session::write(Answer answer, bool head, unsigned version, bool keep_alive) {
  enter(Phase::answer, limits_.answer);
  response_ = {};
  response_.version(version);
  response_.result(answer.status);
  response_.keep_alive(keep_alive);
  response_.set(http::field::content_type, answer.content_type);
  response_.set(http::field::cache_control, "no-store");
  response_.set("X-Content-Type-Options", "nosniff");
  response_.set("Referrer-Policy", "no-referrer");
  response_.set("Cross-Origin-Resource-Policy", "same-origin");
  response_.set("Content-Security-Policy", answer.policy);
  if (!answer.allow.empty()) response_.set(http::field::allow, answer.allow);
  response_.body() = std::move(answer.body);
  response_.prepare_payload();
  serializer_.emplace(response_);
  const auto done = [self = shared_from_this()](const error_code& problem, std::size_t) {
    if (self->phase_ != Phase::closed) self->on_written(problem);
  };
  if (head) {
    http::async_write_header(socket_, *serializer_, done);
  } else {
    http::async_write(socket_, *serializer_, done);
  }
}

void Session::on_written(const error_code& problem) {
  if (problem) return close();
  response_.keep_alive() ? wait_for_request() : say_goodbye();
}

// A socket that is closed with bytes unread resets the connection, and the peer may lose the
// answer.
void Session::say_goodbye() {
  enter(Phase::goodbye, limits_.goodbye);
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  read_out();
}

void Session::read_out() {
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(kReadBytes),
                          [self = shared_from_this()](const error_code& problem, std::size_t) {
                            if (self->phase_ == Phase::closed) return;
                            problem ? self->close() : self->read_out();
                          });
}

void Session::finish() {
  finishing_ = true;
  // Who has just connected has a request on its way, and would take the end for an answer.
  const bool has_asked = parser_.has_value();
  if (phase_ == Phase::idle && has_asked) close();
}

void Session::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  deadline_.cancel();
  error_code ignored;
  socket_.close(ignored);
  if (gone_) std::exchange(gone_, nullptr)(*this);
}

}  // namespace txindex::admin
