// A stream as a FrameBuffer gets it, in pieces of any size.
#pragma once

#include <algorithm>
#include <cstddef>

#include "fuzz/target.h"
#include "net/frame_buffer.h"
#include "support/stages.h"

namespace txindex::fuzz {

// How large the pieces are; the first may be of another size.
struct Cut {
  std::size_t first;
  std::size_t rest;
};
// More than any input.
inline constexpr std::size_t kWhole = 1 << 20;
// Streams that are shorter are cut in two at each of their bytes.
inline constexpr std::size_t kShort = 512;

// Calls `take(buffer)` after each piece, until it says false: nothing can be understood behind.
template <typename Take>
void feed(net::FrameBuffer& buffer, test::LoopParts& parts, Bytes stream, Cut cut, Take take) {
  std::size_t piece = cut.first;
  while (!stream.empty()) {
    if (buffer.space().empty()) {
      const bool large = buffer.needed_bytes() > limits::kSmallChunkBytes;
      buffer.move_to(
          parts.chunks.get(large ? limits::kLargeChunkBytes : limits::kSmallChunkBytes, true));
    }
    const auto space = buffer.space();
    const std::size_t n = std::min({piece, space.size(), stream.size()});
    std::copy_n(stream.begin(), n, space.begin());
    buffer.filled(n);
    stream = stream.subspan(n);
    // The chunk may have had no room for all of it.
    piece -= n;
    if (piece == 0) piece = cut.rest;
    if (!take(buffer)) return;
    buffer.drop_chunk_if_idle();
  }
}

// What comes out of the stream behind the first byte, which says how it is cut: the same
// (`read(stream, cut)`) however that is.
template <typename Read>
auto read_however_cut(Bytes input, Read read) {
  const Bytes stream = input.subspan(1);
  const auto whole = read(stream, Cut{kWhole, kWhole});
  const auto same = [&](Cut cut) { require(read(stream, cut) == whole, "another cut, the same"); };
  const std::size_t piece = input[0] % 64U + 1;
  same({piece, piece});
  if (stream.size() < kShort) {
    for (std::size_t at = 1; at < stream.size(); ++at)
      same({at, kWhole});
  }
  return whole;
}

// Everything that `next(buffer)` finds in the stream, until it says that nothing more is whole.
// True: what comes next is bad.
template <typename Next>
bool read_all(net::FrameBuffer& buffer, Bytes stream, Cut cut, Next next) {
  static test::LoopParts parts(1 << 30);
  bool bad = false;
  feed(buffer, parts, stream, cut, [&](net::FrameBuffer& in) {
    auto status = net::FrameBuffer::Status::whole;
    while (status == net::FrameBuffer::Status::whole)
      status = next(in);
    bad = status == net::FrameBuffer::Status::bad;
    return !bad;
  });
  return bad;
}

}  // namespace txindex::fuzz
