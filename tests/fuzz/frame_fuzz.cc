// The same frames come out of a stream however it is cut. The first byte says how.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "net/frame_buffer.h"
#include "support/stages.h"

namespace {

using namespace txindex;

struct Outcome {
  std::vector<std::vector<std::uint8_t>> frames;
  bool bad = false;
  bool operator==(const Outcome&) const = default;
};

Outcome feed(Bytes stream, std::size_t piece) {
  test::LoopParts parts(1 << 30);
  net::FrameBuffer buffer;
  Outcome outcome;
  while (!stream.empty() && !outcome.bad) {
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
    for (;;) {
      net::FrameBuffer::Frame frame;
      const auto status = buffer.next_frame(frame);
      outcome.bad = status == net::FrameBuffer::Status::bad;
      if (status != net::FrameBuffer::Status::whole) break;
      outcome.frames.emplace_back(frame.body.begin(), frame.body.end()).push_back(frame.type);
    }
    buffer.drop_chunk_if_idle();
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes stream = Bytes(data, size).subspan(1);
  if (feed(stream, data[0] % 64U + 1) != feed(stream, 1 << 20)) {
    std::fputs("another cut, other frames\n", stderr);
    std::abort();
  }
  return 0;
}
