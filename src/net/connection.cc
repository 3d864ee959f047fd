#include "net/connection.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cctype>

#include "flow/test_switches.h"
#include "log/log.h"
#include "net/connections.h"

namespace txindex::net {
namespace {

using boost::system::error_code;

// Before a connection lets the others have a turn.
constexpr int kReadsPerTurn = 4;
constexpr std::int64_t kAfterDeadlineMilliseconds = 10'000;

std::string name_of(const boost::asio::ip::tcp::socket& socket) {
  error_code ignored;
  const auto peer = socket.remote_endpoint(ignored);
  return peer.address().to_string() + ":" + std::to_string(peer.port());
}

}  // namespace

Connection::Connection(boost::asio::ip::tcp::socket socket, Connections& owner)
    : owner_(owner),
      peer_(name_of(socket)),
      stream_(std::move(socket), owner.guard().tls()),
      timer_(owner.loop()) {}

Connection::~Connection() = default;

void Connection::start() {
  error_code ignored;
  auto& socket = stream_.socket();
  socket.non_blocking(true, ignored);
  // Acknowledgements are small and somebody waits for them.
  socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(boost::asio::socket_base::send_buffer_size(limits::kUnsentKernelBytes),
                    ignored);
  // A peer whose machine is gone is noticed, also when nothing is to be said to it.
  socket.set_option(boost::asio::socket_base::keep_alive(true), ignored);
  // The kernel counts a peer that takes no more bytes as silent too: that is for the deadline to
  // end, which says why and counts it, so the kernel is to be the slower one.
  const auto patience = static_cast<unsigned>(
      std::max<std::int64_t>(limits::kPeerSilentMaxMilliseconds,
                             owner_.deadlines().answers_us / 1000 + kAfterDeadlineMilliseconds));
  setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
  if (stream_.is_tls()) state_ = State::handshake;
  wait_readable();
}

bool Connection::receiving() const {
  return state_ < State::ending;
}

bool Connection::window_open() const {
  const std::uint64_t open = line_mode_ ? answers_.unanswered() : acks_.unacknowledged();
  const std::uint64_t most =
      line_mode_ ? limits::kLineWindowMaxTransactions : limits::kWindowMaxTransactions;
  return open < most && in_flight_bytes_ < limits::kWindowMaxBytes &&
         out_.size() - sent_ <= limits::kUnsentMaxBytes && !stream_.unsent() && !wastes_time() &&
         !limited_;
}

bool Connection::wastes_time() const {
  return pings_ >= limits::kPingsPerSecondMax || rejected_ >= limits::kRejectedPerSecondMax ||
         (pings_ + rejected_ >= limits::kWorthlessShare &&
          owner_.worthless() >= limits::kWorthlessPerSecondMax);
}

void Connection::count_worthless(unsigned& kind) {
  ++kind;
  owner_.count_worthless();
}

// --- Reading -------------------------------------------------------------------------------------

void Connection::wait_readable() {
  if (waiting_readable_ || state_ == State::closed) return;
  waiting_readable_ = true;
  stream_.socket().async_wait(boost::asio::ip::tcp::socket::wait_read,
                              [self = shared_from_this()](const error_code& problem) {
                                self->waiting_readable_ = false;
                                if (problem || self->state_ == State::closed) return;
                                if (self->state_ == State::read_out) {
                                  self->read_out();
                                } else {
                                  self->pump();
                                }
                              });
}

void Connection::schedule_pump() {
  if (pump_scheduled_) return;
  pump_scheduled_ = true;
  boost::asio::post(owner_.loop(), [self = shared_from_this()] {
    self->pump_scheduled_ = false;
    self->pump();
  });
}

// The window may have opened.
void Connection::go_on() {
  if (!paused_ || !window_open()) return;
  paused_ = false;
  schedule_pump();
}

void Connection::gate_opened() {
  waiting_gate_ = false;
  woken_in_vain_ = true;
  schedule_pump();
}

// Takes what was received and not looked at, then reads on for as long as that is allowed.
void Connection::pump() {
  if (!receiving()) return;
  if (state_ == State::handshake && !handshake()) {
    if (!receiving()) return flush();
    return stream_.buffered() ? schedule_pump() : wait_readable();
  }
  parse();
  bool drained = false;
  for (int i = 0; i < kReadsPerTurn && receiving() && window_open() && !drained; ++i) {
    if (!ensure_space() || !read_once(drained)) break;
    parse();
  }
  buffer_.drop_chunk_if_idle();
  // What is left in the buffer is looked at when the window opens, not when more arrives.
  paused_ = receiving() && !window_open();
  if (paused_ && wastes_time()) stats::add(owner_.stats(), stats::Word::share_waits);
  flush();
  if (drain_when_open_ && state_ >= State::frames) drain();
  if (!receiving() || paused_ || waiting_gate_ || share_wanted_ != 0) return;
  if (stream_.buffered()) return schedule_pump();
  wait_readable();
}

bool Connection::ensure_space() {
  flow::Gate& gate = owner_.gate();
  // Who has nothing in flight is read even now, a little: see gate.h.
  const bool entitled = in_flight_ == 0;
  if (entitled || !gate.held()) {
    if (!buffer_.space().empty()) return true;
    const std::size_t needed = buffer_.needed_bytes();
    const bool must_be_large = needed > limits::kSmallChunkBytes;
    const bool large = (want_large_chunk_ && !gate.held()) || must_be_large;
    const std::size_t wanted = large ? limits::kLargeChunkBytes : limits::kSmallChunkBytes;
    share_wanted_ = share_allows(wanted) ? 0 : wanted;
    if (share_wanted_ != 0) {
      // Something of its own will come back, and flush() looks again then.
      stats::add(owner_.stats(), stats::Word::share_waits);
      return false;
    }
    auto chunk = owner_.chunks().get(wanted, /*overdraw=*/false, &holding_);
    if (!chunk && entitled) {
      const std::size_t least = must_be_large ? limits::kLargeChunkBytes : limits::kSmallChunkBytes;
      chunk = owner_.chunks().get(least, /*overdraw=*/true, &holding_);
    }
    if (chunk) {
      buffer_.move_to(std::move(chunk));
      return true;
    }
  }
  if (!waiting_gate_) {
    waiting_gate_ = true;
    gate.wait(this, woken_in_vain_);
  }
  return false;
}

// Who has nothing in flight, or is alone, need not leave anything to others.
bool Connection::share_allows(std::size_t bytes) const {
  const flow::Gate& gate = owner_.gate();
  return in_flight_ == 0 || gate.in_flight_bytes() == holding_.bytes ||
         gate.is_fair(holding_.bytes, bytes);
}

// False: nothing came, or the stream is over.
bool Connection::read_once(bool& drained) {
  const auto space = buffer_.space();
  error_code problem;
  const std::size_t n = stream_.read_some(space, problem);
  if (problem == boost::asio::error::would_block) {
    drained = true;
    return false;
  }
  if (problem == boost::asio::error::eof) {
    peer_ended();
    return false;
  }
  if (problem) {
    broken(problem);
    return false;
  }
  buffer_.filled(n);
  // The little that is read while the gate is held, of who has nothing in flight, is not its turn.
  if (!owner_.gate().held()) woken_in_vain_ = false;
  flow::crash_point(flow::CrashPoint::read);
  stats::add(owner_.stats(), stats::Word::received_bytes, n);
  read_time_ = owner_.now();
  // A read that leaves space has emptied the socket: asking again would cost a call for nothing.
  drained = n < space.size();
  // What a producer over its limit has to wait with is no more than a small chunk; nor is nonsense.
  const bool may_wait = producer_ != nullptr && producer_->limited();
  if (!drained) want_large_chunk_ = !may_wait && pings_ + rejected_ < limits::kWorthlessShare;
  if (drained && n < limits::kSmallChunkBytes / 2) want_large_chunk_ = false;
  return true;
}

void Connection::peer_ended() {
  peer_ended_ = true;
  if (state_ == State::lines && window_open()) {
    const auto line = buffer_.last_line();
    if (!line.empty()) handle_line(line);
  }
  end();
}

// --- Parsing -------------------------------------------------------------------------------------

void Connection::parse() {
  parsing_ = true;
  Parsed parsed = Parsed::progress;
  while (receiving() && window_open() && parsed == Parsed::progress) {
    switch (state_) {
      case State::opening:
        parsed = parse_opening();
        break;
      case State::lines:
        parsed = parse_line();
        break;
      default:
        parsed = parse_frame();
    }
  }
  parsing_ = false;
}

Connection::Parsed Connection::parse_opening() {
  const Bytes have = buffer_.pending();
  if (have.empty()) return Parsed::need_more;
  if (have[0] != wire::kPreface[0]) {
    if (!std::isprint(have[0]) && !std::isspace(have[0])) {
      fail(wire::ErrorCode::bad_preface,
           have[0] == 0x16
               ? "this looks like TLS, which this port does not speak"
               : "the first byte is neither NUL (binary mode) nor printable (line mode)");
      return Parsed::progress;
    }
    line_mode_ = true;
    state_ = State::lines;
    return Parsed::progress;
  }
  const std::size_t n = std::min(have.size(), wire::kPreface.size());
  if (!std::equal(have.begin(), have.begin() + static_cast<std::ptrdiff_t>(n),
                  wire::kPreface.begin())) {
    fail(wire::ErrorCode::bad_preface, "the preface is not 00 54 58 49");
    return Parsed::progress;
  }
  if (n < wire::kPreface.size()) return Parsed::need_more;
  buffer_.consume(n);
  state_ = State::hello;
  return Parsed::progress;
}

Connection::Parsed Connection::parse_frame() {
  FrameBuffer::Frame frame;
  switch (buffer_.next_frame(frame)) {
    case FrameBuffer::Status::incomplete:
      return Parsed::need_more;
    case FrameBuffer::Status::bad:
      fail(wire::ErrorCode::bad_frame, "a frame has a length of zero or over " +
                                           std::to_string(limits::kFrameMaxBytes) + " bytes");
      break;
    case FrameBuffer::Status::whole:
      ++whole_;
      handle_frame(frame.type, frame.body);
  }
  return Parsed::progress;
}

void Connection::handle_frame(std::uint8_t type, Bytes body) {
  const auto what = static_cast<wire::FrameType>(type);
  if (state_ == State::hello && what != wire::FrameType::hello)
    return fail(wire::ErrorCode::unexpected_frame, "HELLO is the first frame");
  switch (what) {
    case wire::FrameType::hello:
      return handle_hello(body);
    case wire::FrameType::tx:
      return handle_tx(body);
    case wire::FrameType::ping:
      if (body.size() != 8) return fail(wire::ErrorCode::bad_frame, "PING has not 8 bytes");
      count_worthless(pings_);
      return wire::append_pong(out_, body);
    case wire::FrameType::finish:
      if (!body.empty()) return fail(wire::ErrorCode::bad_frame, "FINISH is not empty");
      return end();
    default:
      return fail(wire::ErrorCode::unknown_type, "unknown frame type " + std::to_string(type));
  }
}

void Connection::handle_hello(Bytes body) {
  if (state_ != State::hello) return fail(wire::ErrorCode::unexpected_frame, "a second HELLO");
  if (!body.empty() && body[0] != wire::kVersion) {
    return fail(wire::ErrorCode::unsupported_version,
                "version " + std::to_string(body[0]) + " is not known here; use version 1");
  }
  const auto hello = wire::parse_hello(body);
  if (!hello) return fail(wire::ErrorCode::bad_frame, "HELLO does not parse");
  if (!admit(as_text(hello->token))) return;
  wire::append_welcome(out_, {wire::kVersion, limits::kFrameMaxBytes,
                              limits::kWindowMaxTransactions, limits::kWindowMaxBytes});
  state_ = State::frames;
}

void Connection::handle_tx(Bytes body) {
  const auto tx = wire::parse_tx(body);
  if (!tx)
    return fail(wire::ErrorCode::bad_frame, "TX does not parse: too short, or unknown flags");
  if (producer_ != nullptr) charge(tx->transaction.size());
  owner_.receiver().receive(make_ticket(acks_.receive(), tx->transaction.size()), *tx, read_time_);
}

// What has a ticket is received; complete() counts its outcome.
flow::Ticket Connection::make_ticket(std::uint64_t sequence, std::size_t bytes) {
  stats::add(owner_.stats(), stats::Word::received);
  ++in_flight_;
  in_flight_bytes_ += bytes;
  return {*this, sequence, bytes, buffer_.chunk()};
}

Connection::Parsed Connection::parse_line() {
  std::span<std::uint8_t> line;
  switch (buffer_.next_line(line)) {
    case FrameBuffer::Status::incomplete:
      return Parsed::need_more;
    case FrameBuffer::Status::bad:
      fail(wire::ErrorCode::line_too_long,
           "a line is longer than " + std::to_string(limits::kLineMaxBytes) + " bytes");
      break;
    case FrameBuffer::Status::whole:
      ++whole_;
      if (line.empty()) {
        count_worthless(pings_);
      } else {
        handle_line(line);
      }
  }
  return Parsed::progress;
}

void Connection::handle_line(std::span<std::uint8_t> line) {
  if (!said_first_line_ && !passes_first_line(line)) return;
  const std::uint64_t sequence = answers_.receive();
  const auto decoded = decode_line(line);
  const Bytes bytes = decoded ? *decoded : Bytes();
  if (producer_ != nullptr) charge(decoded ? bytes.size() : line.size());
  flow::Ticket ticket = make_ticket(sequence, bytes.size());
  if (!decoded) return ticket.complete(wire::Outcome::malformed, "not base64");
  wire::TxFrame tx;
  tx.chain = kLineChain;
  tx.transaction = bytes;
  owner_.receiver().receive(std::move(ticket), tx, read_time_);
}

}  // namespace txindex::net
