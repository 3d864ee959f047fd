// The other half of Connection: answers, and the ways in which it ends.
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <boost/asio/buffer.hpp>

#include "flow/test_switches.h"
#include "log/log.h"
#include "net/connection.h"
#include "net/connections.h"

namespace txindex::net {
namespace {

using boost::system::error_code;

constexpr std::size_t kReadOutBufferBytes = 16 * limits::kKiB;
// A burst of answers may have grown the buffer; an idle connection does not keep that.
constexpr std::size_t kKeepOutBytes = 16 * limits::kKiB;

}  // namespace

void Connection::complete(const flow::Completion& completion) {
  --in_flight_;
  in_flight_bytes_ -= completion.bytes;
  stats::add(owner_.stats(),
             static_cast<stats::Word>(static_cast<std::size_t>(stats::Word::outcome_committed) +
                                      static_cast<std::size_t>(completion.outcome)));
  if (producer_ != nullptr && completion.outcome > wire::Outcome::duplicate) ++uncounted_rejected_;
  // At a glance.
  if (parsing_ && completion.outcome > wire::Outcome::duplicate) count_worthless(rejected_);
  if (state_ == State::closed) {
    publish_counts();
    if (in_flight_ == 0) owner_.remove(*this);
    return;
  }
  if (line_mode_) {
    answers_.complete(completion);
  } else {
    acks_.complete(completion.sequence, completion.outcome);
  }
  if (!marked_ && !parsing_) {
    marked_ = true;
    owner_.mark(*this);
  }
}

void Connection::append_text(std::string_view text) {
  out_.insert(out_.end(), text.begin(), text.end());
}

void Connection::write_answers() {
  if (line_mode_) {
    answers_.write(out_);
  } else {
    acks_.write(out_);
  }
}

void Connection::flush() {
  marked_ = false;
  publish_counts();
  if (state_ == State::closed) return;
  write_answers();
  send();
  if (state_ == State::ending) return half_close_when_answered();
  if (!receiving()) return;
  buffer_.drop_chunk_if_idle();
  go_on();
  if (share_wanted_ != 0 && share_allows(share_wanted_)) {
    share_wanted_ = 0;
    schedule_pump();
  }
  if (waiting_gate_ && in_flight_ == 0) {
    // Nothing of its own will come back to the gate any more: see gate.h about overdrawing.
    owner_.gate().cancel(this);
    waiting_gate_ = false;
    schedule_pump();
  }
}

void Connection::tend(std::int64_t now_steady_us) {
  if (state_ == State::closed) return;
  const std::int64_t silent_us = now_steady_us - last_sent_us_;
  if (state_ == State::ending && in_flight_ == 0 &&
      silent_us > limits::kUnreadAnswersMaxMilliseconds * 1000LL) {
    // Perhaps it is the loop that is late, and the peer has made room.
    if (!has_room()) return close();
    send(true);
    return flush();
  }
  if (receiving() && overdue(now_steady_us) != Owed::nothing) return end_overdue(now_steady_us);
  pings_ = 0;
  rejected_ = 0;
  if (receiving()) go_on();
  // Over a limit of its token, too, it may be waiting for the answers to what was not read yet.
  const bool waits = acks_.unacknowledged() != 0 || (limited_ && state_ == State::frames);
  if (line_mode_ || !waits || !out_.empty()) return;
  if (silent_us < limits::kSilenceMaxMilliseconds * 1000LL) return;
  acks_.repeat(out_);
  send();
}

bool Connection::admitted() const {
  return state_ >= State::frames && (producer_ != nullptr || !owner_.guard().asks_for_token());
}

// What the peer is to send now. Nothing while it is not read, whoever is the cause of that; but who
// has not been admitted has nothing that it could wait for.
Owed Connection::owed() const {
  if (!admitted()) return Owed::hello;
  if (paused_ || waiting_gate_ || share_wanted_ != 0 || limited_) return Owed::nothing;
  if (!buffer_.pending().empty()) return Owed::frame;
  const bool all_answered = in_flight_ == 0 && out_.empty();
  return all_answered ? Owed::word : Owed::nothing;
}

// Which of what it owes the peer has owed for too long.
Owed Connection::overdue(std::int64_t now_steady_us) {
  const DeadlineLimits& deadlines = owner_.deadlines();
  const Owed unread = waiting_writable_ ? Owed::answers : Owed::nothing;
  const auto written = static_cast<std::uint64_t>(last_sent_us_);
  if (answers_deadline_.look(unread, written, now_steady_us, deadlines)) return unread;
  const Owed input = owed();
  // Whatever it says instead of HELLO, or of its token, gets it no further.
  const std::uint64_t progress = input == Owed::hello ? 0 : whole_;
  return input_deadline_.look(input, progress, now_steady_us, deadlines) ? input : Owed::nothing;
}

void Connection::end_overdue(std::int64_t now_steady_us) {
  // Perhaps it is the loop that is late, and what is owed has come: one more look into the socket.
  if (waiting_writable_ && has_room()) send(true);
  pump();
  const Owed what = receiving() ? overdue(now_steady_us) : Owed::nothing;
  if (what == Owed::nothing) return;
  const DeadlineLimits& limits = owner_.deadlines();
  const auto in_seconds = [](std::int64_t us) { return std::to_string(us / 1'000'000) + " s"; };
  stats::Word word = stats::Word::overdue_answers;
  std::string message = "answers were not read for " + in_seconds(limits.answers_us);
  switch (what) {
    case Owed::hello:
      word = stats::Word::overdue_hello;
      message = state_ == State::handshake
                    ? "the TLS handshake was not complete within " + in_seconds(limits.hello_us)
                    : "no preface and HELLO, and no line, within " + in_seconds(limits.hello_us);
      break;
    case Owed::frame:
      word = stats::Word::overdue_frame;
      message = std::string(line_mode_ ? "a line" : "a frame") + " was not whole within " +
                in_seconds(limits.frame_us);
      break;
    case Owed::word:
      word = stats::Word::overdue_idle;
      message = "nothing was said for " + in_seconds(limits.idle_us);
      break;
    case Owed::answers:
    case Owed::nothing:
      break;
  }
  count_overdue(word, message);
  if (state_ == State::handshake) stats::add(owner_.stats(), stats::Word::tls_failed);
  // Who has been idle has done nothing wrong, and may come back when it has something to send.
  if (what == Owed::word && !line_mode_) return drain();
  refuse(wire::ErrorCode::timed_out, std::move(message));
}

void Connection::count_overdue(stats::Word reason, const std::string& message) {
  stats::add(owner_.stats(), reason);
  log::event(log::Level::info, "connection over a deadline",
             {{"peer", peer_}, {"reason", message}});
}

// By the peer's machine, as far as is known here.
bool Connection::answers_untaken() {
  int unsent = 0;
  ::ioctl(stream_.socket().native_handle(), SIOCOUTQ, &unsent);
  return unsent > 0 || sent_ < out_.size() || stream_.unsent();
}

// The kernel has given up the connection. After a time in which the peer took nothing, that is the
// deadline for answers in another way: a peer that says something now and then, and reads nothing,
// gets on by a byte too often for ours.
void Connection::broken(const error_code& problem) {
  if (problem == boost::asio::error::timed_out && answers_untaken()) {
    count_overdue(stats::Word::overdue_answers,
                  "answers were not taken, and the kernel has given up the connection");
  }
  // What happens to a connection that has ended was said when it ended.
  if (receiving() && stream_.broken_by_peer()) count_broken(stream_.problem());
  close();
}

void Connection::refuse(wire::ErrorCode code, std::string message) {
  // Who has not completed the TLS handshake cannot be told.
  if (state_ == State::handshake) return close();
  give_up(code, std::move(message));
  flush();
}

void Connection::wait_writable() {
  if (waiting_writable_) return;
  waiting_writable_ = true;
  stream_.socket().async_wait(boost::asio::ip::tcp::socket::wait_write,
                              [self = shared_from_this()](const error_code& failed) {
                                self->waiting_writable_ = false;
                                if (failed) return;
                                self->is_writable_ = true;
                                self->flush();
                                self->is_writable_ = false;
                              });
}

// While the machine is short of memory for TCP, the kernel takes nothing from a socket that it
// calls writable: waiting for that would keep the loop turning for nothing.
void Connection::wait_for_kernel() {
  constexpr auto kAWhile = std::chrono::milliseconds(100);
  waiting_writable_ = true;
  if (!kernel_timer_) kernel_timer_.emplace(owner_.loop());
  kernel_timer_->expires_after(kAWhile);
  kernel_timer_->async_wait([self = shared_from_this()](const error_code& cancelled) {
    self->waiting_writable_ = false;
    if (!cancelled) self->flush();
  });
}

// As much as makes the kernel say so; a few bytes less than that do not mean that the peer reads.
bool Connection::has_room() {
  pollfd socket{stream_.socket().native_handle(), POLLOUT, 0};
  return ::poll(&socket, 1, 0) == 1 && (socket.revents & POLLOUT) != 0;
}

// `look_again`: also when the last that was heard of the socket is that it is full.
void Connection::send(bool look_again) {
  error_code problem;
  const bool may_have_room = !waiting_writable_ || look_again;
  bool taken = false;  // something
  if (stream_.unsent() && may_have_room && stream_.flush(problem) > 0) {
    taken = true;
    last_sent_us_ = owner_.now().steady_us;
  }
  while (sent_ < out_.size() && may_have_room && !problem) {
    const std::size_t n = stream_.write_some(Bytes(out_).subspan(sent_), problem);
    if (problem == boost::asio::error::would_block) {
      // A peer that never quite catches up must not make the buffer keep all that it was ever sent.
      out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(sent_));
      sent_ = 0;
      break;
    }
    if (problem) break;
    taken = true;
    sent_ += n;
    flow::crash_point(flow::CrashPoint::ack_written);
    last_sent_us_ = owner_.now().steady_us;
    stats::add(owner_.stats(), stats::Word::sent_bytes, n);
  }
  if (problem == boost::asio::error::would_block || stream_.unsent())
    return is_writable_ && !taken ? wait_for_kernel() : wait_writable();
  if (problem) return broken(problem);
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
    if (out_.capacity() > kKeepOutBytes) wire::Buffer().swap(out_);
  }
}

void Connection::drain() {
  if (!receiving()) return;
  if (state_ < State::frames && !drain_when_open_) {
    drain_when_open_ = true;
    timer_.expires_after(std::chrono::milliseconds(limits::kOpeningDrainMilliseconds));
    timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (!cancelled) self->drain();
    });
    return;
  }
  if (state_ == State::frames || state_ == State::hello) wire::append_drain(out_);
  if (state_ == State::lines) error_message_ = "draining: send again what has no answer";
  end();
  flush();
}

void Connection::count_broken(const std::string& message) {
  if (producer_ == nullptr) {
    log::event(log::Level::info, "connection failed", {{"peer", peer_}, {"reason", message}});
  } else {
    log::event(log::Level::info, "connection failed",
               {{"peer", peer_}, {"token", producer_->token.name}, {"reason", message}});
  }
  stats::add(owner_.stats(), stats::Word::connections_broken);
}

void Connection::fail(wire::ErrorCode code, std::string message) {
  count_broken(message);
  give_up(code, std::move(message));
}

void Connection::give_up(wire::ErrorCode code, std::string message) {
  error_code_ = code;
  error_message_ = std::move(message);
  end();
}

void Connection::end() {
  if (!receiving()) return;
  state_ = State::ending;
  last_sent_us_ = owner_.now().steady_us;
  if (waiting_gate_) owner_.gate().cancel(this);
  waiting_gate_ = false;
  share_wanted_ = 0;
  // What is in it and was not taken is never looked at; the rest is held by tickets.
  buffer_ = FrameBuffer();
}

void Connection::half_close_when_answered() {
  if (in_flight_ > 0) return;
  if (!error_message_.empty()) {
    if (line_mode_) {
      append_text("error ");
      append_text(error_message_);
      append_text("\n");
    } else {
      wire::append_error(out_, error_code_, error_message_);
    }
    error_message_.clear();
    send();
  }
  if (state_ == State::closed || sent_ < out_.size() || stream_.unsent()) return;
  error_code problem;
  stream_.finish(problem);
  if (problem == boost::asio::error::would_block)
    return is_writable_ ? wait_for_kernel() : wait_writable();
  if (problem || peer_ended_) return close();
  state_ = State::read_out;
  timer_.expires_after(std::chrono::milliseconds(limits::kReadOutMilliseconds));
  timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
    if (!cancelled) self->close();
  });
  read_out();
}

void Connection::read_out() {
  std::array<std::uint8_t, kReadOutBufferBytes> discarded;
  error_code problem;
  for (int i = 0; i < 16 && !problem; ++i) {
    // What TLS there is in it nobody wants to know.
    stream_.socket().read_some(boost::asio::buffer(discarded), problem);
  }
  if (problem && problem != boost::asio::error::would_block) return broken(problem);
  wait_readable();
}

void Connection::close() {
  if (state_ == State::closed) return;
  if (waiting_gate_) owner_.gate().cancel(this);
  waiting_gate_ = false;
  state_ = State::closed;
  error_code ignored;
  timer_.cancel();
  limit_timer_.reset();
  kernel_timer_.reset();
  publish_counts();
  stream_.socket().close(ignored);
  buffer_ = FrameBuffer();
  if (in_flight_ == 0) owner_.remove(*this);
}

}  // namespace txindex::net
