// A stream as a FrameBuffer gets it, in pieces of any size.
#pragma once

#include <algorithm>
#include <cstddef>

#include "fuzz/target.h"
#include "net/frame_buffer.h"
#include "support/stages.h"

namespace txindex::fuzz {

// Calls `take(buffer)` after each piece, until it says false: nothing can be understood behind.
template <typename Take>
void feed(net::FrameBuffer& buffer, test::LoopParts& parts, Bytes stream, std::size_t piece,
          Take take) {
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
    if (!take(buffer)) return;
    buffer.drop_chunk_if_idle();
  }
}

// More than any input.
inline constexpr std::size_t kWhole = 1 << 20;

}  // namespace txindex::fuzz
