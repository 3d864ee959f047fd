#include "net/frame_buffer.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace txindex::net {
namespace {

// Less space than this is not worth a system call; go on in a new chunk.
constexpr std::size_t kReadMinBytes = 512;

}  // namespace

std::span<std::uint8_t> FrameBuffer::space() const {
  if (!chunk_) return {};
  const std::size_t left = chunk_->capacity() - filled_;
  const std::size_t missing = needed_bytes() - (filled_ - parsed_);
  // A chunk that is used up but for a few bytes is kept only if they complete the frame.
  if (left < missing) return {};
  return chunk_->bytes().subspan(filled_);
}

void FrameBuffer::filled(std::size_t bytes) {
  filled_ += bytes;
  assert(filled_ <= chunk_->capacity());
}

std::size_t FrameBuffer::needed_bytes() const {
  const Bytes have = pending();
  if (have.size() < limits::kFrameLengthBytes) return have.size() + kReadMinBytes;
  const std::size_t body = wire::load<std::uint32_t>(have.data());
  const std::size_t frame = limits::kFrameLengthBytes + body;
  // Not a frame (a line, a preface, a length that next_frame() will refuse): just some more.
  if (body > limits::kFrameMaxBytes || frame <= have.size()) {
    return have.size() + kReadMinBytes;
  }
  return frame;
}

void FrameBuffer::move_to(flow::ChunkRef chunk) {
  const Bytes have = pending();
  assert(have.size() < chunk->capacity());
  if (!have.empty()) std::memcpy(chunk->bytes().data(), have.data(), have.size());
  scanned_ -= parsed_;
  filled_ -= parsed_;
  parsed_ = 0;
  chunk_ = std::move(chunk);
}

void FrameBuffer::drop_chunk_if_idle() {
  if (parsed_ != filled_ || !chunk_.unique()) return;
  chunk_.reset();
  parsed_ = scanned_ = filled_ = 0;
}

Bytes FrameBuffer::pending() const {
  if (!chunk_) return {};
  return Bytes(chunk_->bytes()).subspan(parsed_, filled_ - parsed_);
}

void FrameBuffer::consume(std::size_t bytes) {
  parsed_ += bytes;
  assert(parsed_ <= filled_);
  scanned_ = std::max(scanned_, parsed_);
}

FrameBuffer::Status FrameBuffer::next_frame(Frame& frame) {
  const Bytes have = pending();
  if (have.size() < limits::kFrameLengthBytes) return Status::incomplete;
  const std::size_t length = wire::load<std::uint32_t>(have.data());
  if (length == 0 || length > limits::kFrameMaxBytes) return Status::bad;
  if (have.size() < limits::kFrameLengthBytes + length) return Status::incomplete;
  frame.type = have[limits::kFrameLengthBytes];
  frame.body = have.subspan(limits::kFrameLengthBytes + 1, length - 1);
  consume(limits::kFrameLengthBytes + length);
  return Status::whole;
}

FrameBuffer::Status FrameBuffer::next_line(std::span<std::uint8_t>& line) {
  if (!chunk_) return Status::incomplete;
  const void* end = std::memchr(at(scanned_), '\n', filled_ - scanned_);
  if (end == nullptr) {
    scanned_ = filled_;
    return filled_ - parsed_ > limits::kLineMaxBytes ? Status::bad : Status::incomplete;
  }
  const auto length = static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - at(parsed_));
  if (length > limits::kLineMaxBytes) return Status::bad;
  line = {at(parsed_), length};
  consume(length + 1);
  if (!line.empty() && line.back() == '\r') line = line.first(line.size() - 1);
  return Status::whole;
}

std::span<std::uint8_t> FrameBuffer::last_line() {
  if (!chunk_) return {};
  const std::span<std::uint8_t> line{at(parsed_), filled_ - parsed_};
  consume(line.size());
  return line;
}

}  // namespace txindex::net
