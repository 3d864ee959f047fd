// Cuts a stream of bytes into frames and lines, without I/O and without copying what is whole.
//
//   chunk:  | given out | scanned, no end yet | received, not looked at | space |
//           0 ...... parsed ............... scanned ............... filled .... capacity
//
// Invariant: 0 <= parsed <= scanned <= filled <= capacity. Bytes below `parsed` belong to whoever
// holds the chunk; the buffer writes at or above `filled` only. When a frame in progress does not
// fit what is left of the chunk, move_to() carries the few bytes of it into another one: the only
// copy, of at most one unfinished frame a chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "txindex/bytes.h"
#include "txindex/wire/frame.h"

#include "flow/chunk.h"

namespace txindex::net {

class FrameBuffer {
 public:
  enum class Status { whole, incomplete, bad };

  struct Frame {
    std::uint8_t type;
    Bytes body;
  };

  bool has_chunk() const { return static_cast<bool>(chunk_); }
  const flow::ChunkRef& chunk() const { return chunk_; }

  // Where to read into. Empty: no chunk, or the frame in progress needs another one.
  std::span<std::uint8_t> space() const;
  void filled(std::size_t bytes);

  // What move_to() needs at least: the frame in progress as far as its length is known, and
  // something to read into.
  std::size_t needed_bytes() const;
  void move_to(flow::ChunkRef chunk);
  // Gives the chunk back when nothing in it is in progress and no ticket holds it.
  void drop_chunk_if_idle();

  // The bytes received and not given out yet, and taking some of them.
  Bytes pending() const;
  void consume(std::size_t bytes);

  // bad: a length of zero or over the largest frame; nothing after it can be understood.
  Status next_frame(Frame& frame);
  // Without its end of line (LF or CR LF). bad: no end within the longest line. The bytes are the
  // caller's to overwrite.
  Status next_line(std::span<std::uint8_t>& line);
  // At the end of the stream: a last line that no LF ends.
  std::span<std::uint8_t> last_line();

 private:
  std::uint8_t* at(std::size_t offset) const { return chunk_->bytes().data() + offset; }

  flow::ChunkRef chunk_;
  std::size_t parsed_ = 0;
  std::size_t scanned_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace txindex::net
