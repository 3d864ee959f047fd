// One connection of a stream, from its first address to its end.
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "client/stream.h"

namespace txindex {
namespace {

using namespace std::chrono_literals;
constexpr auto kConnectPatience = 5s;
constexpr auto kGreetingPatience = 10s;
// A turn ends though more comes in, so that a caller with many clients serves them all.
constexpr int kReadsEachTurn = 16;

}  // namespace

void Client::Stream::begin_connecting() {
  auto found = client::resolve(endpoint_);
  now_ = Clock::now();  // the resolver may have taken its time
  if (!found) return lose(found.error().message, false);
  addresses_ = std::move(*found);
  std::ranges::reverse(addresses_);
  state_ = State::connecting;
  try_next_address();
}

void Client::Stream::try_next_address() {
  while (!addresses_.empty()) {
    const client::Address address = addresses_.back();
    addresses_.pop_back();
    ++counters_.attempts;
    const int error = socket_.connect(address);
    if (error == 0) {
      give_in_at_ = now_ + silence_limit(kConnectPatience);
      return;
    }
    count(error);
    last_problem_ = std::strerror(error);
  }
  lose(last_problem_, false);
}

void Client::Stream::check_connected() {
  pollfd waiting{socket_.fd(), POLLOUT, 0};
  if (::poll(&waiting, 1, 0) != 1) return;
  if (const int error = socket_.connect_error(); error != 0) {
    count(error);
    last_problem_ = std::strerror(error);
    return try_next_address();
  }
  give_in_at_ = now_ + silence_limit(kGreetingPatience);
  if (!options_.tls) return greet();
  state_ = State::securing;
  socket_.begin_tls(*options_.tls, options_.tls_name.empty() ? options_.host : options_.tls_name);
}

void Client::Stream::check_secured() {
  const int error = socket_.secured();
  if (error == EAGAIN) return;
  if (error == 0) return greet();
  const std::string why = problem_of(error);
  // A certificate that is not believed, or a server without TLS, will be the same next time.
  if (socket_.tls_hopeless()) return fail(why);
  count(error);
  lose(why, false);
}

std::string Client::Stream::problem_of(int error) const {
  return error == EPROTO ? "TLS: " + socket_.tls_problem() : std::strerror(error);
}

void Client::Stream::greet() {
  state_ = State::greeting;
  control_.assign(wire::kPreface.begin(), wire::kPreface.end());
  wire::append_hello(control_, as_bytes(options_.token));
}

// Frames that are not TX go first, but never into the middle of one that is.
void Client::Stream::write() {
  if (send_error_ == 0) send_error_ = socket_.flush();
  while (send_error_ == 0) {
    const bool control = !control_.empty() && outbox_.at_boundary();
    const Bytes next = control            ? Bytes(control_)
                       : control_.empty() ? outbox_.sendable()
                                          : outbox_.rest_of_frame();
    if (next.empty()) return;
    const auto [bytes, error] = socket_.send(next);
    if (error == EAGAIN) return;
    send_error_ = error;
    if (control) {
      control_.erase(control_.begin(), control_.begin() + static_cast<std::ptrdiff_t>(bytes));
    } else {
      outbox_.advance(bytes);
    }
    // It took a part: there is no room for more just now.
    if (bytes < next.size()) return;
  }
}

void Client::Stream::read() {
  for (int i = 0; i < kReadsEachTurn; ++i) {
    const auto space = reader_.space();
    const auto [bytes, error] = socket_.receive(space);
    if (error == EAGAIN) break;
    if (error != 0) {
      // What the server thinks of our certificate comes after its own handshake.
      if (socket_.tls_hopeless()) return fail(problem_of(error));
      return ended(error);
    }
    if (bytes == 0) return ended(0);
    reader_.received(bytes);
    quiet_since_ = now_;
    ping_sent_ = false;
    if (!take_frames()) return;
    if (bytes < space.size()) break;
  }
  // Only now: acknowledgements, or an ERROR that says why, may have come before the break.
  if (send_error_ != 0) ended(send_error_);
}

// `error`: what came of a connection or of an attempt to make one.
void Client::Stream::count(int error) {
  if (error == ECONNREFUSED) {
    ++counters_.refused;
  } else if (error == ETIMEDOUT) {
    ++counters_.hung;
  } else {
    ++counters_.reset;
  }
}

// The server has closed the connection (0), or it broke.
void Client::Stream::ended(int error) {
  const std::string why = error == 0 ? "closed by the server" : problem_of(error);
  const bool owed = state_ == State::greeting || outbox_.unacknowledged() > 0;
  // A server that drains closes in good order, and is asked by another connection.
  if (owed && (error != 0 || state_ != State::draining)) count(error);
  // It answered until now, whatever the time since it last said something.
  if (state_ != State::greeting) alive_at_ = now_;
  if (state_ == State::finishing) return disconnect();
  if (state_ == State::greeting) return lose(why + " before WELCOME", false);
  lose(why, state_ == State::draining);
}

// Waits before the next attempt, longer each time that nothing was got done in between: a server
// that welcomes and drops, or drains for ever, must not be stormed either.
void Client::Stream::lose(const std::string& why, bool retry_at_once) {
  disconnect();
  last_problem_ = why;
  retry_at_ = retry_at_once && failed_attempts_ == 0 ? now_ : now_ + next_backoff();
  ++failed_attempts_;
}

void Client::Stream::disconnect() {
  socket_.close();
  reader_.clear();
  control_.clear();
  send_error_ = 0;
  ping_sent_ = false;
  outbox_.restart({0, 0});  // nothing may be sent until a server has said how much
  state_ = State::disconnected;
}

Client::Stream::Duration Client::Stream::next_backoff() {
  const auto most = std::max(options_.backoff_max, options_.backoff_min);
  auto delay = std::max(options_.backoff_min, std::chrono::milliseconds(1));
  for (int i = 0; i < failed_attempts_ && delay < most; ++i)
    delay *= 2;
  delay = std::max(std::min(delay, most), std::chrono::milliseconds(1));
  // Between a half and the whole of it, so that many producers do not come back as one.
  std::uniform_real_distribution<double> part(0.5, 1.0);
  return std::chrono::duration_cast<Duration>(delay * part(random_));
}

void Client::Stream::fail(std::string message) {
  disconnect();
  failure_ = failure(name_ + ": " + std::move(message));
  state_ = State::failed;
}

}  // namespace txindex
