#include "tools/admin_client.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>

namespace txindex::tools {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

// The status of a service with the most workers is about a megabyte.
constexpr std::uint64_t kMostBodyBytes = std::uint64_t{16} * 1024 * 1024;

// One request under way; owned by the handlers that wait for its next step.
class Request : public std::enable_shared_from_this<Request> {
 public:
  Request(asio::io_context& loop, const Endpoint& admin, const std::string& target,
          std::chrono::milliseconds limit, OnAdminAnswer on_answer)
      : admin_(admin),
        on_answer_(std::move(on_answer)),
        resolver_(loop),
        stream_(loop),
        limit_(limit) {
    request_.method(http::verb::get);
    request_.version(11);
    request_.target(target);
    request_.set(http::field::host, to_string(admin));
    request_.set(http::field::connection, "close");
    parser_.body_limit(kMostBodyBytes);
  }

  void start() {
    resolver_.async_resolve(admin_.host, std::to_string(admin_.port),
                            [self = shared_from_this()](error_code error, const auto& found) {
                              if (error) return self->fail(error);
                              self->connect(found);
                            });
  }

 private:
  void connect(const asio::ip::tcp::resolver::results_type& addresses) {
    stream_.expires_after(limit_);  // for all that follows
    stream_.async_connect(addresses, [self = shared_from_this()](error_code error, const auto&) {
      if (error) return self->fail(error);
      self->write();
    });
  }

  void write() {
    http::async_write(stream_, request_,
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (error) return self->fail(error);
                        self->read();
                      });
  }

  void read() {
    http::async_read(
        stream_, buffer_, parser_, [self = shared_from_this()](error_code error, std::size_t) {
          if (error) return self->fail(error);
          auto message = self->parser_.release();
          self->on_answer_(AdminAnswer{message.result_int(), std::move(message.body())});
        });
  }

  void fail(error_code error) {
    const std::string where = "the admin port at " + to_string(admin_);
    if (error == beast::error::timeout) {
      return on_answer_(failure(
          "no answer from " + where + " in " + std::to_string(limit_.count()) +
          " ms: the server is stopped or overloaded, or something in between drops packets"));
    }
    if (error.category() == error_code(http::error::end_of_stream).category()) {
      return on_answer_(failure(where + " does not answer as HTTP does (" + error.message() +
                                "): is that the --admin address of a txindexd?"));
    }
    on_answer_(failure("cannot reach " + where + ": " + error.message() +
                       "; is txindexd running, and is this the address of its --admin?"));
  }

  const Endpoint admin_;
  const OnAdminAnswer on_answer_;
  asio::ip::tcp::resolver resolver_;
  beast::tcp_stream stream_;
  const std::chrono::milliseconds limit_;
  http::request<http::empty_body> request_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
};

}  // namespace

void admin_get(asio::io_context& loop, const Endpoint& admin, const std::string& target,
               std::chrono::milliseconds limit, OnAdminAnswer on_answer) {
  std::make_shared<Request>(loop, admin, target, limit, std::move(on_answer))->start();
}

result<std::string> body_of(result<AdminAnswer> answer, const Endpoint& admin,
                            const std::string& target) {
  if (!answer) return answer.error();
  if (answer->status != 200) {
    return failure("the admin port at " + to_string(admin) + " answers GET " + target +
                   " with status " + std::to_string(answer->status) +
                   ": is that the --admin address of a txindexd of this version?");
  }
  return result<std::string>(boost::system::in_place_value, std::move(answer->body));
}

result<std::string> admin_get(const Endpoint& admin, const std::string& target,
                              std::chrono::milliseconds limit) {
  asio::io_context loop(1);
  std::optional<result<AdminAnswer>> got;
  admin_get(loop, admin, target, limit, [&got](result<AdminAnswer> a) { got = std::move(a); });
  loop.run();
  return body_of(std::move(*got), admin, target);
}

}  // namespace txindex::tools
