// The same frames come out of a stream however it is cut, and put together again they are the
// stream. The first byte says how it is cut.
#include <vector>

#include "fuzz/stream_pieces.h"
#include "fuzz/target.h"

namespace {

using namespace txindex;
using net::FrameBuffer;

struct Outcome {
  wire::Buffer frames;  // as they were
  std::size_t count = 0;
  bool bad = false;
  bool operator==(const Outcome&) const = default;
};

Outcome read_cut(Bytes stream, fuzz::Cut cut) {
  static test::LoopParts parts(1 << 30);
  FrameBuffer buffer;
  Outcome outcome;
  fuzz::feed(buffer, parts, stream, cut, [&](FrameBuffer& in) {
    for (;;) {
      FrameBuffer::Frame frame;
      const auto status = in.next_frame(frame);
      outcome.bad = status == FrameBuffer::Status::bad;
      if (status != FrameBuffer::Status::whole) return !outcome.bad;
      wire::append(outcome.frames, static_cast<std::uint32_t>(frame.body.size() + 1));
      outcome.frames.push_back(frame.type);
      outcome.frames.insert(outcome.frames.end(), frame.body.begin(), frame.body.end());
      ++outcome.count;
    }
  });
  return outcome;
}

}  // namespace

TXINDEX_FUZZ_TARGET(frame) {
  if (input.empty()) return;
  const Bytes stream = input.subspan(1);
  const Outcome whole = read_cut(stream, {fuzz::kWhole, fuzz::kWhole});
  fuzz::cut_everywhere(stream, input[0] % 64U + 1, read_cut, [&](const Outcome& outcome) {
    fuzz::require(outcome == whole, "another cut, the same frames");
  });
  const Bytes again = whole.frames;
  fuzz::require(
      again.size() <= stream.size() && std::equal(again.begin(), again.end(), stream.begin()),
      "frames put together again are the stream");
}
