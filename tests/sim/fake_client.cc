#include "sim/fake_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "txindex/wire/frame.h"

#include "chain/base64.h"

namespace txindex::sim {
namespace {

constexpr std::uint8_t kUnknownChain = 9;
constexpr std::size_t kTransactionsMax = 10;

}  // namespace

FakeClient::FakeClient(std::uint64_t name, int socket, Chance& chance, const Kinds& kinds,
                       const FakeDatabase& database, const FakeWorker& worker)
    : name_(name),
      socket_(socket),
      chance_(chance),
      kinds_(kinds),
      database_(database),
      worker_(worker),
      since_us_(worker.now_us()),
      line_mode_(chance.percent(20)),
      leaves_abruptly_(chance.percent(15)),
      dawdles_(chance.percent(15)),
      read_all_us_(since_us_) {
  line_mode_ ? plan_lines() : plan_frames();
}

FakeClient::~FakeClient() {
  if (socket_ >= 0) ::close(socket_);
}

// Few to choose from, so that several clients send the same.
std::size_t FakeClient::choose() {
  if (line_mode_) return kTransactions - 1 - chance_.below(kLineTransactions);
  const std::size_t variety = chance_.percent(50) ? 6 : kTransactions - kLineTransactions;
  return chance_.below(variety);
}

void FakeClient::plan_frames() {
  out_.assign(wire::kPreface.begin(), wire::kPreface.end());
  wire::append_hello(out_);
  for (std::size_t left = chance_.below(kTransactionsMax + 1); left > 0; --left) {
    const std::size_t number = choose();
    const Kind kind = kinds_[number];
    const auto bytes = as_sent(number, kind);
    sent_.push_back(number);
    wire::append_tx(out_, {.chain = kind == Kind::unknown_chain ? kUnknownChain : std::uint8_t{1},
                           .time_us = stamp_of(number),
                           .slot = {},
                           .transaction = bytes});
    if (chance_.percent(5)) wire::append_ping(out_, Bytes(bytes).first(8));
  }
  half_closes_ = chance_.percent(50);
  if (!half_closes_) wire::append_finish(out_);
}

void FakeClient::plan_lines() {
  for (std::size_t left = 1 + chance_.below(kTransactionsMax); left > 0; --left) {
    const std::size_t number = choose();
    sent_.push_back(number);
    const std::string line = chain::base64::encode(as_sent(number, kinds_[number]));
    out_.insert(out_.end(), line.begin(), line.end());
    if (left == 1 && chance_.percent(30)) break;  // a last line that nothing ends
    out_.push_back('\n');
  }
  half_closes_ = true;
}

void FakeClient::close() {
  ::close(socket_);
  socket_ = -1;
}

void FakeClient::maybe_vanish() {
  if (gone() || !leaves_abruptly_ || !chance_.percent(10)) return;
  chance_.note("client vanishes", name_);
  vanished_ = true;
  close();
}

void FakeClient::write() {
  const std::size_t left = out_.size() - written_;
  constexpr std::array<std::size_t, 4> pieces = {1, 5, 300, 100'000};
  const std::size_t piece = std::min(left, pieces[chance_.below(pieces.size())]);
  if (piece > 0) {
    const ssize_t n = ::send(socket_, out_.data() + written_, piece, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) {
      refuses_to_write_ = true;
      return;
    }
    // It has ended the connection, which read() will see.
    if (n < 0) {
      ended_ = true;
      return;
    }
    written_ += static_cast<std::size_t>(n);
    chance_.note("client writes", name_, static_cast<std::uint64_t>(n));
  }
  if (written_ < out_.size()) return;
  ended_ = true;
  if (half_closes_) ::shutdown(socket_, SHUT_WR);
}

bool FakeClient::read() {
  std::array<std::uint8_t, 16 * 1024> piece;
  const std::size_t most = chance_.percent(30) ? 1 + chance_.below(20) : piece.size();
  const ssize_t n = ::recv(socket_, piece.data(), most, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) {
    read_all_us_ = worker_.now_us();
    return false;
  }
  if (n > 0) {
    chance_.note("client reads", name_, static_cast<std::uint64_t>(n));
    in_.insert(in_.end(), piece.begin(), piece.begin() + n);
    // To who has said nothing yet, an ERROR comes as a frame.
    const bool is_error =
        in_.size() > limits::kFrameLengthBytes &&
        in_[limits::kFrameLengthBytes] == static_cast<std::uint8_t>(wire::FrameType::error);
    line_mode_ && !is_error ? take_lines() : take_frames();
    return true;
  }
  chance_.note(n == 0 ? "client sees the end" : "client sees a reset", name_);
  if (may_be_left()) {
    vanished_ = true;
  } else {
    check(in_.empty(), "an answer is whole", name_);
    check(n == 0, "a connection that is not broken off is not reset", name_);
  }
  close();
  return true;
}

// Whoever takes none of its last answers for so long is not waited for.
bool FakeClient::may_be_left() const {
  return worker_.now_us() - read_all_us_ >= limits::kUnreadAnswersMaxMilliseconds * 1000LL;
}

// ERROR 8, or its words in line mode.
void FakeClient::take_reproach(std::string_view text) {
  const auto& deadlines = worker_.deadlines();
  std::int64_t limit_us = 0;
  if (text.starts_with("no preface and HELLO")) limit_us = deadlines.hello_us;
  if (text.find("was not whole") != std::string_view::npos) limit_us = deadlines.frame_us;
  if (text.starts_with("nothing was said")) limit_us = deadlines.idle_us;
  if (text.starts_with("answers were not read")) limit_us = deadlines.answers_us;
  check(limit_us > 0, "no ERROR for a client without error", name_);
  check(worker_.now_us() - since_us_ >= limit_us, "nobody is called late too early", name_);
  chance_.note("client is late", name_);
  told_late_ = true;
}

// --- Answers -------------------------------------------------------------------------------------

void FakeClient::answer(std::size_t which, wire::Outcome outcome) {
  check(which < sent_.size(), "only what was sent is acknowledged", name_);
  const std::size_t number = sent_[which];
  const auto rejected = rejection(kinds_[number]);
  if (kinds_[number] == Kind::bad_when_there && outcome == wire::Outcome::refused_by_database) {
    check(database_.has(number), "it is refused because it is there", number);
  } else if (rejected) {
    check(outcome == *rejected, "a rejection says what is wrong", number);
  } else {
    check(outcome == wire::Outcome::committed || outcome == wire::Outcome::duplicate,
          "bad input costs its sender only", number);
    check(database_.has(number), "acked means committed", number);
  }
  ++answered_;
  if (outcome == wire::Outcome::committed) ++told_committed_;
}

void FakeClient::take_ack(Bytes body) {
  const auto ack = wire::AckView::parse(body);
  check(ack.has_value(), "an ACK parses", name_);
  check(ack->up_to() >= answered_, "acknowledgements go forward", name_);
  std::size_t exception = 0;
  while (answered_ < ack->up_to()) {
    auto outcome = wire::Outcome::committed;
    const std::uint64_t sequence = answered_ + 1;
    if (exception < ack->size() && (*ack)[exception]->sequence == sequence) {
      outcome = (*ack)[exception++]->outcome;
    }
    answer(answered_, outcome);
  }
  check(exception == ack->size(), "exceptions are in order, and of what is acknowledged", name_);
}

void FakeClient::take_frames() {
  std::size_t at = 0;
  while (in_.size() - at >= limits::kFrameLengthBytes) {
    const std::size_t length = wire::load<std::uint32_t>(in_.data() + at);
    check(length > 0 && length <= limits::kFrameMaxBytes, "the server's frames are frames", name_);
    if (in_.size() - at < limits::kFrameLengthBytes + length) break;
    const auto type = static_cast<wire::FrameType>(in_[at + limits::kFrameLengthBytes]);
    const Bytes body = Bytes(in_).subspan(at + limits::kFrameLengthBytes + 1, length - 1);
    at += limits::kFrameLengthBytes + length;
    check(!told_late_, "nothing comes after an ERROR", name_);
    check(welcomed_ || type == wire::FrameType::welcome || type == wire::FrameType::drain ||
              type == wire::FrameType::error,
          "WELCOME comes first", name_);
    switch (type) {
      case wire::FrameType::welcome:
        check(!welcomed_, "one WELCOME", name_);
        welcomed_ = true;
        break;
      case wire::FrameType::ack:
        take_ack(body);
        break;
      case wire::FrameType::drain:
        check(!told_to_drain_, "one DRAIN", name_);
        told_to_drain_ = true;
        break;
      case wire::FrameType::pong:
        break;
      case wire::FrameType::error:
        check(wire::parse_error(body)->code == wire::ErrorCode::timed_out,
              "no ERROR for a client without error", name_);
        take_reproach(wire::parse_error(body)->message);
        break;
      default:
        broken("the server says nothing else", name_);
    }
  }
  in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(at));
}

void FakeClient::take_lines() {
  for (;;) {
    const auto end = std::find(in_.begin(), in_.end(), '\n');
    if (end == in_.end()) return;
    const std::string line(in_.begin(), end);
    in_.erase(in_.begin(), end + 1);
    if (line.starts_with("error draining")) {
      told_to_drain_ = true;
      continue;
    }
    check(!told_to_drain_ && !told_late_, "nothing comes after the error line", name_);
    if (line.starts_with("error ")) {
      take_reproach(std::string_view(line).substr(6));
      continue;
    }
    std::string_view words = line;
    if (words.starts_with("rejected ")) words.remove_prefix(9);
    const std::string_view word = words.substr(0, words.find(' '));
    std::size_t code = 0;
    while (code < wire::kOutcomeCount &&
           wire::to_string(static_cast<wire::Outcome>(code)) != word) {
      ++code;
    }
    check(code < wire::kOutcomeCount, "a line has one of the words for an outcome", name_);
    answer(answered_, static_cast<wire::Outcome>(code));
  }
}

}  // namespace txindex::sim
