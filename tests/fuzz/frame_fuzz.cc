// The same frames come out of a stream however it is cut, and put together again they are the
// stream. The first byte says how it is cut.

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
  FrameBuffer buffer;
  Outcome outcome;
  outcome.bad = fuzz::read_all(buffer, stream, cut, [&](FrameBuffer& in) {
    FrameBuffer::Frame frame;
    const auto status = in.next_frame(frame);
    if (status == FrameBuffer::Status::whole) {
      wire::append(outcome.frames, static_cast<std::uint32_t>(frame.body.size() + 1));
      outcome.frames.push_back(frame.type);
      outcome.frames.insert(outcome.frames.end(), frame.body.begin(), frame.body.end());
      ++outcome.count;
    }
    return status;
  });
  return outcome;
}

}  // namespace

TXINDEX_FUZZ_TARGET(frame) {
  if (input.empty()) return;
  const Bytes stream = input.subspan(1);
  const Outcome whole = fuzz::read_however_cut(input, read_cut);
  const Bytes again = whole.frames;
  fuzz::require(
      again.size() <= stream.size() && std::equal(again.begin(), again.end(), stream.begin()),
      "frames put together again are the stream");
}
