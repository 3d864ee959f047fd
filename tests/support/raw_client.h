// A producer that shares no code with the project: it knows section "wire protocol" of the README
// and blocking sockets. What it sends and expects is written out in bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace txindex::test {

// What an ACK says of a transaction.
inline constexpr int kCommitted = 0;
inline constexpr int kDuplicate = 1;
inline constexpr int kMalformed = 2;
inline constexpr int kBadSignature = 3;
inline constexpr int kUnsupported = 4;
inline constexpr int kTooLarge = 5;
inline constexpr int kRefused = 6;
inline constexpr int kTimeOutOfRange = 7;

class RawClient {
 public:
  using Bytes = std::vector<std::uint8_t>;
  struct Frame {
    std::uint8_t type = 0;
    Bytes body;
  };

  explicit RawClient(std::uint16_t port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(const Bytes& bytes);
  void send(const std::string& text);
  // Preface and HELLO; returns the body of WELCOME.
  Bytes hello(std::uint8_t version = 1);
  void send_frame(std::uint8_t type, const Bytes& body);
  void send_tx(const Bytes& transaction, std::optional<std::int64_t> time_us = {},
               std::uint8_t chain = 1);
  void finish() { send_frame(0x04, {}); }
  void half_close();
  void reset();  // closes so that the server sees a reset
  // As much as the kernel takes without waiting; how much that was.
  std::size_t send_what_fits(std::span<const std::uint8_t> bytes);

  // The next frame; nullopt when the server closed. Throws when nothing comes for 20 s, or the
  // connection was reset.
  std::optional<Frame> receive_frame();
  std::optional<std::string> receive_line();

  // Reads frames until the ACKs cover `up_to`; codes of 0 are put in for what was not listed.
  // Frames of other types are kept in `others`.
  std::map<std::uint64_t, int> receive_acks(std::uint64_t up_to);
  std::vector<Frame> others;

 private:
  bool fill();

  int fd_ = -1;
  Bytes in_;
  std::uint64_t acked_ = 0;
};

}  // namespace txindex::test
