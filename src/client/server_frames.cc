// What the server says, and what is believed of it: nothing that does not follow from what was
// sent. A frame is checked as a whole before any of it has an effect.
#include <algorithm>
#include <string_view>

#include "client/stream.h"

namespace txindex {
namespace {

// A message from outside goes to people's terminals and logs.
std::string printable(std::string_view text) {
  constexpr std::size_t kMostBytes = 500;
  std::string out(text.substr(0, kMostBytes));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

}  // namespace

bool Client::Stream::take_frames() {
  while (const auto frame = reader_.next()) {
    if (!on_frame(*frame)) return false;
  }
  return reader_.bad_length() ? nonsense("a frame of an impossible length") : true;
}

bool Client::Stream::on_frame(const client::FrameReader::Frame& frame) {
  const auto type = static_cast<wire::FrameType>(frame.type);
  if (type == wire::FrameType::error) return on_error(frame.body);
  if (type == wire::FrameType::welcome) return on_welcome(frame.body);
  if (type == wire::FrameType::drain) return on_drain(frame.body);
  if (state_ == State::greeting) return nonsense("something before WELCOME");
  if (type == wire::FrameType::ack) return on_ack(frame.body);
  if (type == wire::FrameType::pong) {
    if (frame.body.size() != 8) return nonsense("a PONG that is not 8 bytes");
    alive_at_ = now_;
    return true;
  }
  return nonsense("a frame of unknown type " + std::to_string(frame.type));
}

bool Client::Stream::on_welcome(Bytes body) {
  const auto welcome = wire::parse_welcome(body);
  if (state_ != State::greeting) return nonsense("a second WELCOME");
  if (!welcome) return nonsense("a WELCOME that does not parse");
  if (welcome->version != wire::kVersion) {
    return nonsense("version " + std::to_string(welcome->version) + " of the protocol");
  }
  if (welcome->window_transactions == 0 || welcome->window_bytes == 0 ||
      welcome->largest_frame_bytes == 0) {
    return nonsense("a window of nothing");
  }
  window_ = {std::max(1U, std::min(options_.window_transactions, welcome->window_transactions)),
             std::min(options_.window_bytes, welcome->window_bytes)};
  largest_frame_bytes_ =
      std::min<std::uint32_t>(welcome->largest_frame_bytes, limits::kFrameMaxBytes);

  // What was taken under the limits of an earlier server, or before any was known.
  const std::uint64_t largest = outbox_.largest_frame_bytes();
  if (largest > limits::kFrameLengthBytes + largest_frame_bytes_ || largest > window_.bytes) {
    fail("this server takes no frame of " + std::to_string(largest) +
         " bytes, and one waits to be sent");
    return false;
  }
  state_ = State::open;
  alive_at_ = now_;
  first_ordinal_ = outbox_.completed();
  outbox_.restart(window_);
  ++counters_.connects;
  return true;
}

bool Client::Stream::on_ack(Bytes body) {
  const auto ack = wire::AckView::parse(body);
  if (!ack) return nonsense("an ACK that does not parse");
  const std::uint64_t sent = outbox_.sent() - first_ordinal_;
  const std::uint64_t before = outbox_.completed() - first_ordinal_;
  if (ack->up_to() > sent) {
    return nonsense("an ACK up to " + std::to_string(ack->up_to()) + ", when " +
                    std::to_string(sent) + " were sent");
  }
  if (ack->up_to() < before) {
    return nonsense("an ACK up to " + std::to_string(ack->up_to()) + " after one up to " +
                    std::to_string(before));
  }
  for (std::size_t i = 0; i < ack->size(); ++i) {
    const auto exception = (*ack)[i];
    if (!exception) return nonsense("an ACK with an unknown code");
    if (exception->sequence <= before || exception->sequence > ack->up_to()) {
      return nonsense("an ACK with a sequence number that it does not cover");
    }
  }

  for (std::size_t i = 0; i < ack->size(); ++i) {
    const auto exception = (*ack)[i];
    outbox_.set_outcome(first_ordinal_ + exception->sequence - 1, exception->outcome);
  }
  alive_at_ = now_;
  if (ack->up_to() > before) failed_attempts_ = 0;
  for (std::uint64_t n = before; n < ack->up_to(); ++n) {
    const wire::Outcome outcome = outbox_.complete();
    const std::uint64_t ordinal = counters_.completed++;
    if (on_outcome_) on_outcome_(ordinal, outcome);
  }
  return true;
}

bool Client::Stream::on_drain(Bytes body) {
  if (!body.empty()) return nonsense("a DRAIN that is not empty");
  if (state_ == State::greeting) {  // it leaves before it welcomed: nothing was sent
    lose("draining", true);
    return false;
  }
  alive_at_ = now_;
  outbox_.hold();
  if (state_ == State::open) state_ = State::draining;
  return true;
}

bool Client::Stream::on_error(Bytes body) {
  const auto error = wire::parse_error(body);
  if (!error) return nonsense("an ERROR that does not parse");
  // All was acknowledged: whatever it is about, it is not about a transaction.
  if (state_ == State::finishing) return true;
  if (error->code == wire::ErrorCode::timed_out ||
      error->code == wire::ErrorCode::too_many_connections) {
    lose("refused by the server: " + printable(error->message), false);
    return false;
  }
  fail("refused by the server: " + printable(error->message) + " (code " +
       std::to_string(static_cast<unsigned>(error->code)) + ")");
  return false;
}

bool Client::Stream::nonsense(const std::string& what) {
  fail("this is no server of transactions, or a defective one: it sent " + what);
  return false;
}

}  // namespace txindex
