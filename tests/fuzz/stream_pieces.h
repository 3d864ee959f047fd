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

// The same comes out of a stream (`read(stream, cut)`) however it is cut: `same(outcome)` says.
template <typename Read, typename Same>
void cut_everywhere(Bytes stream, std::size_t piece, Read read, Same same) {
  same(read(stream, Cut{piece, piece}));
  if (stream.size() >= kShort) return;
  for (std::size_t at = 1; at < stream.size(); ++at)
    same(read(stream, Cut{at, kWhole}));
}

}  // namespace txindex::fuzz
