// The frames of wire protocol version 1, as bytes. No I/O.
//
//   frame    = u32 length of what follows, u8 type, body        (all integers little-endian)
//   HELLO    = u8 version = 1, u16 n, n bytes of token
//   TX       = u8 chain, u8 flags, [i64 time if flags & 1], [u64 slot if flags & 2], transaction
//   PING     = 8 opaque bytes              PONG  = the same 8 bytes
//   FINISH   = empty                       DRAIN = empty
//   WELCOME  = u8 version, u32 largest frame, u32 window transactions, u64 window bytes
//   ACK      = u64 up_to, u32 n, n * (u64 sequence, u8 code)     (see ack.h)
//   ERROR    = u16 code, UTF-8 message
//
// A connection in binary mode opens with the preface 00 54 58 49; a .txs file opens with "TXS1"
// and holds TX frames only.
//
// Functions named append_* add one whole frame to a buffer of the caller's. Functions named
// parse_* take the body of a frame (what stands behind the type) and return views into it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "txindex/bytes.h"
#include "txindex/limits.h"

namespace txindex::wire {

inline constexpr std::uint8_t kVersion = 1;
inline constexpr std::array<std::uint8_t, 4> kPreface = {0x00, 'T', 'X', 'I'};
inline constexpr std::array<std::uint8_t, 4> kFilePreface = {'T', 'X', 'S', '1'};

enum class FrameType : std::uint8_t {
  hello = 0x01,
  tx = 0x02,
  ping = 0x03,
  finish = 0x04,
  welcome = 0x81,
  ack = 0x82,
  error = 0x83,
  pong = 0x84,
  drain = 0x85,
};

// The u16 of an ERROR frame.
enum class ErrorCode : std::uint16_t {
  bad_preface = 1,
  bad_frame = 2,  // length of zero or over the largest frame, or a body that does not parse
  unknown_type = 3,
  unexpected_frame = 4,  // TX before HELLO, a second HELLO
  unsupported_version = 5,
  refused = 6,        // no valid token, no TLS
  line_too_long = 7,  // line mode only, where it is text
  // Of these it is worth while to connect again, after a while.
  timed_out = 8,             // HELLO, a whole frame, or reading the answers took too long
  too_many_connections = 9,  // from this address
};

inline constexpr std::uint8_t kFlagTime = 0x01;
inline constexpr std::uint8_t kFlagSlot = 0x02;
inline constexpr std::uint8_t kFlagsKnown = kFlagTime | kFlagSlot;

using Buffer = std::vector<std::uint8_t>;

// Little-endian integers at an address that need not be aligned.
template <typename T>
T load(const std::uint8_t* at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value | static_cast<T>(static_cast<T>(at[i]) << (8 * i)));
  }
  return value;
}

template <typename T>
void append(Buffer& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i)));
  }
}

struct Hello {
  std::uint8_t version;
  Bytes token;
};

struct Welcome {
  std::uint8_t version;
  std::uint32_t largest_frame_bytes;
  std::uint32_t window_transactions;
  std::uint64_t window_bytes;
};

struct TxFrame {
  std::uint8_t chain = 0;
  std::optional<std::int64_t> time_us;  // microseconds since the Unix epoch
  std::optional<std::uint64_t> slot;
  Bytes transaction;
};

struct Error {
  ErrorCode code;
  std::string_view message;
};

void append_hello(Buffer& out, Bytes token = {});
void append_tx(Buffer& out, const TxFrame& tx);
void append_ping(Buffer& out, Bytes opaque8);
void append_finish(Buffer& out);
void append_welcome(Buffer& out, const Welcome& welcome);
void append_error(Buffer& out, ErrorCode code, std::string_view message);
void append_pong(Buffer& out, Bytes opaque8);
void append_drain(Buffer& out);

// nullopt: the body is not of that form (too short, too long, unknown flags).
std::optional<Hello> parse_hello(Bytes body);
std::optional<TxFrame> parse_tx(Bytes body);
std::optional<Welcome> parse_welcome(Bytes body);
std::optional<Error> parse_error(Bytes body);

}  // namespace txindex::wire
