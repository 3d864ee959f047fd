// Takes a server's bytes as they come and gives back whole frames. No I/O. One thread.
//
//   read into space(), say received(n), then next() until it gives none
//
// A frame's body is a view into the buffer, good until space() is called.
#pragma once

#include <cassert>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include "txindex/bytes.h"
#include "txindex/limits.h"
#include "txindex/wire/frame.h"

namespace txindex::client {

class FrameReader {
 public:
  struct Frame {
    std::uint8_t type;
    Bytes body;
  };

  // Never empty once next() has given all there is: a frame takes at most half of the buffer.
  std::span<std::uint8_t> space() {
    if (begin_ != 0) {
      std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    return {buffer_.get() + end_, kBufferBytes - end_};
  }

  void received(std::size_t n) {
    assert(n <= kBufferBytes - end_);
    end_ += n;
  }

  // nullopt: there is no whole frame, or the bytes are no frame at all (bad_length()).
  std::optional<Frame> next() {
    if (end_ - begin_ < limits::kFrameLengthBytes) return std::nullopt;
    const std::uint8_t* at = buffer_.get() + begin_;
    const std::size_t length = wire::load<std::uint32_t>(at);
    if (length == 0 || length > limits::kFrameMaxBytes) {
      bad_length_ = true;
      return std::nullopt;
    }
    if (end_ - begin_ < limits::kFrameLengthBytes + length) return std::nullopt;
    begin_ += limits::kFrameLengthBytes + length;
    return Frame{at[limits::kFrameLengthBytes],
                 Bytes(at + limits::kFrameLengthBytes + 1, length - 1)};
  }

  bool bad_length() const { return bad_length_; }

  void clear() {
    begin_ = end_ = 0;
    bad_length_ = false;
  }

 private:
  static constexpr std::size_t kBufferBytes = 2 * limits::kLargeChunkBytes;
  static_assert(limits::kFrameLengthBytes + limits::kFrameMaxBytes <= kBufferBytes / 2);

  // Not zeroed: of many connections most never use more than a page of it.
  std::unique_ptr<std::uint8_t[]> buffer_ =
      std::make_unique_for_overwrite<std::uint8_t[]>(kBufferBytes);
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool bad_length_ = false;
};

}  // namespace txindex::client
