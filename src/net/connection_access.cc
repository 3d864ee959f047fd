// What a connection has to show before it may send, and its limits after that: see access/guard.h.
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <utility>

#include "log/log.h"
#include "net/connection.h"
#include "net/connections.h"

namespace txindex::net {
namespace {

using boost::system::error_code;

constexpr std::uint8_t kTlsHandshake = 0x16;
constexpr std::string_view kTokenWord = "token ";
constexpr std::int64_t kNsPerUs = 1000;

}  // namespace

// --- TLS ---------------------------------------------------------------------------------------

// True when it is complete.
bool Connection::handshake() {
  error_code problem;
  if (!peeked_) {
    std::uint8_t first = 0;
    const auto n = ::recv(stream_.socket().native_handle(), &first, 1, MSG_PEEK);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return false;
    peeked_ = true;
    if (n == 1 && first != kTlsHandshake) {
      refuse_plain(first);
      return false;
    }
  }
  stream_.handshake(problem);
  if (problem == boost::asio::error::would_block) {
    send();
    return false;
  }
  if (problem) {
    tls_failed(stream_.problem());
    end();  // the peer hears why, in an alert
    return false;
  }
  state_ = State::opening;
  return true;
}

void Connection::tls_failed(const std::string& reason) {
  log::event(log::Level::info, "a TLS handshake failed", {{"peer", peer_}, {"reason", reason}});
  stats::add(owner_.stats(), stats::Word::tls_failed);
}

// In the words that the peer understands.
void Connection::refuse_plain(std::uint8_t first_byte) {
  stats::add(owner_.stats(), stats::Word::tls_failed);
  stream_.make_plain();
  line_mode_ = std::isprint(first_byte) != 0 || std::isspace(first_byte) != 0;
  fail(wire::ErrorCode::refused, "this port takes TLS only (txindex send --tls)");
}

// --- Tokens ------------------------------------------------------------------------------------

// Wrong and missing ones take the same way, and get the same answer.
bool Connection::admit(std::string_view token) {
  const access::Guard& guard = owner_.guard();
  if (!guard.asks_for_token()) return true;
  producer_ = guard.producer_of(token);
  if (producer_ == nullptr) {
    stats::add(owner_.stats(), stats::Word::tokens_refused);
    fail(wire::ErrorCode::refused,
         "a valid token is needed (txindex send --token-file; in line mode a first line `token "
         "TOKEN`)");
    return false;
  }
  producer_->counts->connections.fetch_add(1, std::memory_order_relaxed);
  log::event(log::Level::debug, "a producer has shown its token",
             {{"peer", peer_}, {"token", producer_->token.name}});
  slow_down(producer_->wait_ns(steady_ns()));
  return true;
}

// The first line of line mode. False: it was a token, or should have been.
bool Connection::passes_first_line(std::span<std::uint8_t> line) {
  said_first_line_ = true;
  const std::string_view text = as_text(line);
  const bool is_token = text.starts_with(kTokenWord);
  return admit(is_token ? text.substr(kTokenWord.size()) : std::string_view()) && !is_token;
}

// --- Limits ------------------------------------------------------------------------------------

std::int64_t Connection::steady_ns() const {
  return owner_.now().steady_us * kNsPerUs;
}

void Connection::charge(std::size_t bytes) {
  ++uncounted_received_;
  if (producer_->limited()) slow_down(producer_->charge(1, bytes, steady_ns()));
}

// Over a limit the connection is not read for so long; nothing is dropped.
void Connection::slow_down(std::int64_t wait_ns) {
  if (wait_ns == 0 || limited_ || !receiving()) return;
  limited_ = true;
  producer_->counts->slowed.fetch_add(1, std::memory_order_relaxed);
  wait_for_limit(wait_ns);
}

void Connection::wait_for_limit(std::int64_t wait_ns) {
  if (!limit_timer_) limit_timer_.emplace(owner_.loop());
  limit_timer_->expires_after(std::chrono::nanoseconds(std::max(wait_ns, producer_->pause_ns())));
  limit_timer_->async_wait([self = shared_from_this()](const error_code& cancelled) {
    if (cancelled || !self->receiving()) return;
    // Another connection with the same token may have been quicker.
    if (const auto more = self->producer_->wait_ns(self->steady_ns()); more > 0)
      return self->wait_for_limit(more);
    self->limited_ = false;
    self->schedule_pump();
  });
}

void Connection::publish_counts() {
  if (producer_ == nullptr) return;
  auto& counts = *producer_->counts;
  if (uncounted_received_ != 0)
    counts.received.fetch_add(std::exchange(uncounted_received_, 0), std::memory_order_relaxed);
  if (uncounted_rejected_ != 0)
    counts.rejected.fetch_add(std::exchange(uncounted_rejected_, 0), std::memory_order_relaxed);
}

}  // namespace txindex::net
