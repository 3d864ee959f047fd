#include "txindex/wire/frame.h"

namespace txindex::wire {
namespace {

void append_bytes(Buffer& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_head(Buffer& out, FrameType type, std::size_t body_bytes) {
  append(out, static_cast<std::uint32_t>(1 + body_bytes));
  out.push_back(static_cast<std::uint8_t>(type));
}

}  // namespace

void append_hello(Buffer& out, Bytes token) {
  append_head(out, FrameType::hello, 1 + 2 + token.size());
  append(out, kVersion);
  append(out, static_cast<std::uint16_t>(token.size()));
  append_bytes(out, token);
}

std::optional<Hello> parse_hello(Bytes body) {
  if (body.size() < 3) return std::nullopt;
  const std::size_t token_bytes = load<std::uint16_t>(body.data() + 1);
  if (token_bytes > limits::kTokenMaxBytes || body.size() != 3 + token_bytes) return std::nullopt;
  return Hello{body[0], body.subspan(3)};
}

void append_tx(Buffer& out, const TxFrame& tx) {
  const std::size_t head = 2U + (tx.time_us ? 8 : 0) + (tx.slot ? 8 : 0);
  append_head(out, FrameType::tx, head + tx.transaction.size());
  out.push_back(tx.chain);
  out.push_back(
      static_cast<std::uint8_t>((tx.time_us ? kFlagTime : 0) | (tx.slot ? kFlagSlot : 0)));
  if (tx.time_us) append(out, static_cast<std::uint64_t>(*tx.time_us));
  if (tx.slot) append(out, *tx.slot);
  append_bytes(out, tx.transaction);
}

std::optional<TxFrame> parse_tx(Bytes body) {
  if (body.size() < 2) return std::nullopt;
  const std::uint8_t flags = body[1];
  const std::size_t head = 2U + ((flags & kFlagTime) ? 8 : 0) + ((flags & kFlagSlot) ? 8 : 0);
  if ((flags & ~kFlagsKnown) != 0 || body.size() < head) return std::nullopt;
  TxFrame tx;
  tx.chain = body[0];
  std::size_t at = 2;
  if (flags & kFlagTime) {
    tx.time_us = static_cast<std::int64_t>(load<std::uint64_t>(body.data() + at));
    at += 8;
  }
  if (flags & kFlagSlot) tx.slot = load<std::uint64_t>(body.data() + at);
  tx.transaction = body.subspan(head);
  return tx;
}

void append_welcome(Buffer& out, const Welcome& welcome) {
  append_head(out, FrameType::welcome, 1 + 4 + 4 + 8);
  append(out, welcome.version);
  append(out, welcome.largest_frame_bytes);
  append(out, welcome.window_transactions);
  append(out, welcome.window_bytes);
}

std::optional<Welcome> parse_welcome(Bytes body) {
  if (body.size() != 1 + 4 + 4 + 8) return std::nullopt;
  return Welcome{body[0], load<std::uint32_t>(body.data() + 1),
                 load<std::uint32_t>(body.data() + 5), load<std::uint64_t>(body.data() + 9)};
}

void append_error(Buffer& out, ErrorCode code, std::string_view message) {
  append_head(out, FrameType::error, 2 + message.size());
  append(out, static_cast<std::uint16_t>(code));
  append_bytes(out, as_bytes(message));
}

std::optional<Error> parse_error(Bytes body) {
  if (body.size() < 2) return std::nullopt;
  return Error{static_cast<ErrorCode>(load<std::uint16_t>(body.data())), as_text(body.subspan(2))};
}

void append_ping(Buffer& out, Bytes opaque8) {
  append_head(out, FrameType::ping, opaque8.size());
  append_bytes(out, opaque8);
}

void append_pong(Buffer& out, Bytes opaque8) {
  append_head(out, FrameType::pong, opaque8.size());
  append_bytes(out, opaque8);
}

void append_finish(Buffer& out) {
  append_head(out, FrameType::finish, 0);
}
void append_drain(Buffer& out) {
  append_head(out, FrameType::drain, 0);
}

}  // namespace txindex::wire
