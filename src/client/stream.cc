#include "client/stream.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace txindex {
namespace {

// Transactions are collected until a write is worth its system call.
constexpr std::uint64_t kFlushBytes = std::uint64_t{64} * 1024;

using namespace std::chrono_literals;
// A server that owes something and says nothing is asked after this time, and left for another
// connection, perhaps to a process that is well, after that one. Both are less if the stream gives
// up early.
constexpr auto kPingAfter = 5s;
constexpr auto kLeaveAfter = 20s;
// A caller that comes this much late was busy elsewhere: the server is not to blame for the time.
constexpr auto kAbsence = 500ms;

std::int64_t wall_clock_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

Client::Stream::Stream(Options options, OnOutcome on_outcome)
    : options_(std::move(options)),
      on_outcome_(std::move(on_outcome)),
      endpoint_{options_.host, options_.port},
      name_(to_string(endpoint_)),
      window_{std::max(options_.window_transactions, 1U), options_.window_bytes},
      now_(Clock::now()),
      retry_at_(now_),
      alive_at_(now_),
      random_(std::random_device()()) {}

result<void> Client::Stream::submit(const wire::TxFrame& tx) {
  if (state_ == State::failed) return failure_;
  encoded_.clear();
  if (tx.time_us) {
    wire::append_tx(encoded_, tx);
  } else {
    wire::TxFrame stamped = tx;
    stamped.time_us = wall_clock_us();
    wire::append_tx(encoded_, stamped);
  }

  while (true) {
    // In the loop, because a reconnection may bring a server with other limits.
    const std::uint64_t most =
        std::min<std::uint64_t>(limits::kFrameLengthBytes + largest_frame_bytes_, window_.bytes);
    if (encoded_.size() > most) {
      return failure("a transaction of " + std::to_string(tx.transaction.size()) +
                     " bytes is too large: its frame has " + std::to_string(encoded_.size()) +
                     " bytes, and " + std::to_string(most) + " is the most");
    }
    if (fits(encoded_.size())) break;
    wait_and_process();
    if (state_ == State::failed) return failure_;
  }

  if (outbox_.unacknowledged() == 0) now_ = quiet_since_ = alive_at_ = due_ = Clock::now();
  outbox_.push(encoded_);
  ++counters_.submitted;
  unflushed_bytes_ += encoded_.size();
  // A failure in here is for the next call to tell: this transaction was taken.
  if (unflushed_bytes_ >= kFlushBytes || outbox_.unacknowledged() >= window_.transactions) turn();
  return {};
}

bool Client::Stream::fits(std::uint64_t frame_bytes) const {
  return outbox_.unacknowledged() < window_.transactions &&
         outbox_.unacknowledged_bytes() + frame_bytes <= window_.bytes;
}

bool Client::Stream::has_room() const {
  constexpr std::uint64_t kUsualMostBytes =
      limits::kFrameLengthBytes + limits::kTxHeaderMaxBytes + limits::kTransactionMaxBytes;
  return state_ == State::failed || outbox_.unacknowledged() == 0 || fits(kUsualMostBytes);
}

result<void> Client::Stream::process() {
  if (state_ != State::failed) turn();
  if (state_ == State::failed) return failure_;
  return {};
}

result<void> Client::Stream::finish() {
  if (auto ok = process(); !ok) return ok;
  while (outbox_.unacknowledged() > 0) {
    wait_and_process();
    if (state_ == State::failed) return failure_;
  }
  if (state_ == State::open) {
    wire::append_finish(control_);
    give_in_at_ = now_ + std::chrono::milliseconds(limits::kReadOutMilliseconds);
    state_ = State::finishing;
    turn();
  }
  while (state_ == State::finishing || state_ == State::draining)
    wait_and_process();
  if (state_ == State::failed) return failure_;
  return {};
}

void Client::Stream::wait_and_process() {
  pollfd waiting{fd(), events(), 0};
  ::poll(&waiting, 1, timeout_ms());
  turn();
}

// One turn: everything that can be done without waiting.
void Client::Stream::turn() {
  now_ = Clock::now();
  notice_absence();
  unflushed_bytes_ = 0;
  if (state_ == State::disconnected && outbox_.unacknowledged() > 0 && now_ >= retry_at_) {
    begin_connecting();
  }
  if (state_ == State::connecting) check_connected();
  if (state_ == State::securing) check_secured();
  if (established()) write();
  if (established()) read();
  if (established()) write();  // what the acknowledgements just read made room for
  if (established() && send_error_ != 0) read();
  if (state_ != State::failed) check_deadlines();
  counters_.resent = outbox_.resent();
  due_ = deadline();
}

bool Client::Stream::established() const {
  return state_ == State::greeting || state_ == State::open || state_ == State::draining ||
         state_ == State::finishing;
}

short Client::Stream::events() const {
  if (state_ == State::connecting) return POLLOUT;
  if (state_ == State::securing)
    return static_cast<short>(POLLIN | (socket_.unsent() ? POLLOUT : 0));
  const bool more = socket_.unsent() || !control_.empty() || !outbox_.sendable().empty();
  return static_cast<short>(POLLIN | (more && send_error_ == 0 ? POLLOUT : 0));
}

int Client::Stream::timeout_ms() const {
  if (established() && socket_.buffered()) return 0;
  const TimePoint at = deadline();
  if (at == TimePoint::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(at - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

// `preferred`, or as much less as leaves time for one more attempt before the stream gives up.
Client::Stream::Duration Client::Stream::silence_limit(Duration preferred) const {
  if (options_.give_up_after.count() == 0) return preferred;
  return std::min<Duration>(preferred, options_.give_up_after / 2);
}

// When something is to be done though nothing comes in.
Client::Stream::TimePoint Client::Stream::deadline() const {
  if (state_ == State::failed) return TimePoint::max();
  if (state_ == State::finishing) return give_in_at_;
  const bool wanted = outbox_.unacknowledged() > 0;
  if (!wanted && state_ != State::draining) {
    // Nobody waits for a connection that is being made; an open one may be idle for ever.
    const bool being_made =
        state_ == State::connecting || state_ == State::securing || state_ == State::greeting;
    return being_made ? give_in_at_ : TimePoint::max();
  }
  TimePoint next = give_in_at_;
  if (state_ == State::disconnected) next = retry_at_;
  if (state_ == State::open || state_ == State::draining) {
    const Duration leave = silence_limit(kLeaveAfter);
    next = quiet_since_ + (ping_sent_ ? leave : std::min<Duration>(kPingAfter, leave / 2));
  }
  const bool gives_up = wanted && options_.give_up_after.count() > 0;
  return gives_up ? std::min(next, alive_at_ + options_.give_up_after) : next;
}

void Client::Stream::notice_absence() {
  if (due_ == TimePoint::max() || now_ < due_ + kAbsence) return;
  quiet_since_ += now_ - due_;
  alive_at_ += now_ - due_;
}

void Client::Stream::check_deadlines() {
  if (now_ < deadline()) return;
  const bool gives_up = outbox_.unacknowledged() > 0 && options_.give_up_after.count() > 0;
  if (gives_up && now_ >= alive_at_ + options_.give_up_after) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now_ - alive_at_).count();
    fail("not served for " + std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) +
         " s: " + last_problem_);
    return;
  }
  switch (state_) {
    case State::connecting:
      count(ETIMEDOUT);
      last_problem_ = "connecting timed out";
      try_next_address();
      break;
    case State::securing:
      count(ETIMEDOUT);
      lose("the TLS handshake was not completed in time", false);
      break;
    case State::greeting:
      count(ETIMEDOUT);
      lose("no WELCOME came", false);
      break;
    case State::finishing:
      disconnect();
      break;
    case State::open:
    case State::draining:
      if (now_ >= quiet_since_ + silence_limit(kLeaveAfter)) {
        count(ETIMEDOUT);
        lose("silent, and no answer to a PING", false);
      } else if (!ping_sent_) {
        ping_sent_ = true;
        const wire::Buffer opaque(8, 0x50);
        if (control_.empty()) wire::append_ping(control_, opaque);
        write();
      }
      break;
    case State::disconnected:  // its time has come: the next turn connects
    case State::failed:
      break;
  }
}

// --- The public face ---------------------------------------------------------------------------

result<Tls> load_tls(const TlsFiles& files) {
  return tls::load_client({files.ca, files.certificate, files.key});
}

Client::Client(Options options, OnOutcome on_outcome)
    : stream_(std::make_unique<Stream>(std::move(options), std::move(on_outcome))) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

result<void> Client::submit(const wire::TxFrame& tx) {
  return stream_->submit(tx);
}
bool Client::has_room() const {
  return stream_->has_room();
}
result<void> Client::finish() {
  return stream_->finish();
}
result<void> Client::process() {
  return stream_->process();
}
int Client::fd() const {
  return stream_->fd();
}
short Client::events() const {
  return stream_->events();
}
int Client::timeout_ms() const {
  return stream_->timeout_ms();
}
const Client::Counters& Client::counters() const {
  return stream_->counters();
}

}  // namespace txindex
