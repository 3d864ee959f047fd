#include "admin/server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unordered_map>
#include <utility>

#include "admin/session.h"
#include "admin/site.h"
#include "log/log.h"

namespace txindex::admin {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr auto kSampleInterval = std::chrono::seconds(1);
constexpr auto kPause = std::chrono::milliseconds(20);

tcp protocol_of(int descriptor) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
  return address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4();
}

}  // namespace

class Server::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(boost::asio::io_context& loop, int descriptor, const stats::Segment& segment,
       ServerOptions options)
      : options_(std::move(options)),
        site_(segment, options_.hosts),
        acceptor_(loop, protocol_of(descriptor), descriptor),
        pause_(loop),
        sampling_(loop),
        stopping_(loop) {
    acceptor_.non_blocking(true);
  }

  void start() {
    sampling_.expires_after(std::chrono::seconds(0));
    sample();
    wait();
  }

  void stop(std::function<void()> gone) {
    gone_ = std::move(gone);
    leave();
    stopping_.expires_after(options_.stopping);
    stopping_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (!cancelled) self->each_session([](Session& session) { session.close(); });
    });
    each_session([](Session& session) { session.finish(); });
    if (sessions_.empty()) end();
  }

  // Everything, at once; nobody is told.
  void abandon() {
    gone_ = nullptr;
    leave();
    stopping_.cancel();
    each_session([](Session& session) {
      session.forget();
      session.close();
    });
    sessions_.clear();
  }

 private:
  // Asio's close() would leave other holders of the socket with a stale registration.
  void leave() {
    pause_.cancel();
    sampling_.cancel();
    if (acceptor_.is_open()) ::close(acceptor_.release());
  }

  void end() {
    stopping_.cancel();
    if (gone_) std::exchange(gone_, nullptr)();
  }

  // `act` may end sessions, which takes them out of the table.
  template <typename Act>
  void each_session(Act act) {
    std::vector<std::shared_ptr<Session>> all;
    all.reserve(sessions_.size());
    for (const auto& [key, session] : sessions_)
      all.push_back(session);
    for (const auto& session : all)
      act(*session);
  }

  void sample() {
    site_.sample();
    // At fixed times, unless the loop was kept from them.
    const auto now = std::chrono::steady_clock::now();
    sampling_.expires_at(std::max(sampling_.expiry() + kSampleInterval, now));
    sampling_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (!cancelled && self->acceptor_.is_open()) self->sample();
    });
  }

  void wait() {
    acceptor_.async_wait(tcp::acceptor::wait_read,
                         [self = shared_from_this()](const error_code& problem) {
                           if (!problem && self->acceptor_.is_open()) self->accept_one();
                         });
  }

  // One for each turn of the loop, so that those who are there already have theirs.
  void accept_one() {
    if (sessions_.size() >= options_.connections_max && !make_room()) return pause();
    error_code problem;
    auto socket = acceptor_.accept(problem);
    if (!problem) {
      complained_ = false;
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      const auto session = std::make_shared<Session>(
          std::move(socket), site_, options_.session, [this](Session& gone) {
            sessions_.erase(&gone);
            if (!acceptor_.is_open() && sessions_.empty()) end();
          });
      sessions_.emplace(session.get(), session);
      session->start();
    } else if (problem != boost::asio::error::would_block &&
               problem != boost::asio::error::connection_aborted) {
      // Out of descriptors or memory: those who wait keep their place until some come back.
      if (!complained_) log::error("admin: accept: {}; trying again", problem.message());
      complained_ = true;
      return pause();
    }
    wait();
  }

  bool make_room() {
    const auto oldest =
        std::min_element(sessions_.begin(), sessions_.end(), [](const auto& a, const auto& b) {
          return a.second->waiting_since() < b.second->waiting_since();
        });
    const auto session = oldest->second;
    if (Session::Clock::now() - session->waiting_since() < options_.patience) return false;
    session->close();
    return true;
  }

  void pause() {
    pause_.expires_after(kPause);
    pause_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (!cancelled && self->acceptor_.is_open()) self->accept_one();
    });
  }

  const ServerOptions options_;
  Site site_;
  tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  boost::asio::steady_timer sampling_;
  boost::asio::steady_timer stopping_;
  std::unordered_map<Session*, std::shared_ptr<Session>> sessions_;
  std::function<void()> gone_;
  bool complained_ = false;
};

Server::Server(boost::asio::io_context& loop, int descriptor, const stats::Segment& segment,
               ServerOptions options)
    : impl_(std::make_shared<Impl>(loop, descriptor, segment, std::move(options))) {}

Server::~Server() {
  impl_->abandon();
}

void Server::start() {
  impl_->start();
}

void Server::stop(std::function<void()> gone) {
  impl_->stop(std::move(gone));
}

}  // namespace txindex::admin
