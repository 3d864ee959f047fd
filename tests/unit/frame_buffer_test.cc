#include "net/frame_buffer.h"

#include <gtest/gtest.h>

#include "support/random.h"
#include "support/stages.h"

namespace txindex::net {
namespace {

using test::LoopParts;
using test::Random;

using Cut = std::vector<std::vector<std::uint8_t>>;

// Feeds a stream in pieces of the sizes that `size` says, as a connection would, and gathers what
// comes out. `error` is set when the buffer refuses the stream.
class Feeder {
 public:
  template <typename Size, typename Take>
  void feed(Bytes stream, Size size, Take take) {
    std::size_t at = 0;
    while (at < stream.size() && !bad) {
      if (buffer.space().empty()) {
        const std::size_t capacity = buffer.needed_bytes() > limits::kSmallChunkBytes
                                         ? limits::kLargeChunkBytes
                                         : limits::kSmallChunkBytes;
        buffer.move_to(parts.chunks.get(capacity, true));
        ASSERT_FALSE(buffer.space().empty());
      }
      const auto space = buffer.space();
      const std::size_t n = std::min({space.size(), stream.size() - at, size()});
      std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at), n, space.begin());
      buffer.filled(n);
      at += n;
      while (take()) {
      }
      buffer.drop_chunk_if_idle();
    }
  }

  void feed_frames(Bytes stream, const std::function<std::size_t()>& size) {
    feed(stream, size, [this] {
      FrameBuffer::Frame frame;
      const auto status = buffer.next_frame(frame);
      bad = status == FrameBuffer::Status::bad;
      if (status != FrameBuffer::Status::whole) return false;
      std::vector<std::uint8_t> whole = {frame.type};
      whole.insert(whole.end(), frame.body.begin(), frame.body.end());
      out.push_back(std::move(whole));
      if (keep_chunks) held.push_back(buffer.chunk());
      return true;
    });
  }

  void feed_lines(Bytes stream, const std::function<std::size_t()>& size) {
    feed(stream, size, [this] {
      std::span<std::uint8_t> line;
      const auto status = buffer.next_line(line);
      bad = status == FrameBuffer::Status::bad;
      if (status != FrameBuffer::Status::whole) return false;
      out.emplace_back(line.begin(), line.end());
      std::ranges::fill(line, std::uint8_t{0});  // what is given out is the caller's
      return true;
    });
  }

  LoopParts parts{1 << 30};
  std::vector<flow::ChunkRef> held;
  FrameBuffer buffer;
  Cut out;
  bool bad = false;
  bool keep_chunks = false;
};

void append_frame(wire::Buffer& stream, Cut& frames, std::vector<std::uint8_t> frame) {
  wire::append(stream, static_cast<std::uint32_t>(frame.size()));
  stream.insert(stream.end(), frame.begin(), frame.end());
  frames.push_back(std::move(frame));
}

TEST(FrameBuffer, GivesTheSameFramesHoweverTheStreamIsCut) {
  Random random;
  for (int round = 0; round < 50; ++round) {
    wire::Buffer stream;
    Cut frames;
    for (int i = 0; i < 40; ++i) {
      const std::size_t most = random.below(10) == 0 ? limits::kFrameMaxBytes : 600;
      append_frame(stream, frames, random.bytes(1 + random.below(most)));
    }
    Feeder feeder;
    feeder.keep_chunks = random.coin();
    const std::size_t most = random.coin() ? 5 : 9000;
    feeder.feed_frames(stream, [&] { return 1 + random.below(most); });
    EXPECT_FALSE(feeder.bad);
    EXPECT_EQ(feeder.out, frames);
  }
}

TEST(FrameBuffer, GivesTheSameFramesCutAtEveryByte) {
  Random random;
  wire::Buffer stream;
  Cut frames;
  for (const std::size_t n : {1U, 2U, 30U, 3U})
    append_frame(stream, frames, random.bytes(n));
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    Feeder feeder;
    bool first = true;
    feeder.feed_frames(stream,
                       [&] { return std::exchange(first, false) && cut ? cut : stream.size(); });
    EXPECT_EQ(feeder.out, frames) << cut;
  }
}

TEST(FrameBuffer, TakesTheLargestFrameAndRefusesOneByteMore) {
  Random random;
  wire::Buffer stream;
  Cut frames;
  append_frame(stream, frames, random.bytes(limits::kFrameMaxBytes));
  wire::append(stream, static_cast<std::uint32_t>(limits::kFrameMaxBytes + 1));
  Feeder feeder;
  feeder.feed_frames(stream, [] { return std::size_t{100'000}; });
  EXPECT_EQ(feeder.out, frames);
  EXPECT_TRUE(feeder.bad);
}

TEST(FrameBuffer, RefusesALengthOfZero) {
  Feeder feeder;
  feeder.feed_frames(wire::Buffer{0, 0, 0, 0}, [] { return std::size_t{4}; });
  EXPECT_TRUE(feeder.bad);
}

TEST(FrameBuffer, AllocatesNothingForALengthThatItWillRefuse) {
  Feeder feeder;
  feeder.feed_frames(wire::Buffer{0xff, 0xff, 0xff, 0xff}, [] { return std::size_t{1}; });
  EXPECT_TRUE(feeder.bad);
  EXPECT_LE(feeder.buffer.needed_bytes(), limits::kSmallChunkBytes);
}

TEST(FrameBuffer, HoldsNoChunkBetweenFramesThatNobodyHolds) {
  Feeder feeder;
  wire::Buffer stream;
  Cut frames;
  append_frame(stream, frames, {1, 2, 3});
  feeder.feed_frames(stream, [] { return std::size_t{100}; });
  EXPECT_FALSE(feeder.buffer.has_chunk());
  EXPECT_EQ(feeder.parts.chunks.outstanding(), 0U);
}

TEST(FrameBuffer, GivesTheSameLinesHoweverTheStreamIsCut) {
  Random random;
  for (int round = 0; round < 50; ++round) {
    std::string stream;
    Cut lines;
    for (int i = 0; i < 40; ++i) {
      const std::size_t most = random.below(10) == 0 ? limits::kLineMaxBytes : 300;
      const std::string line(random.below(most), 'x');
      stream += line + (random.coin() ? "\n" : "\r\n");
      lines.emplace_back(line.begin(), line.end());
    }
    Feeder feeder;
    const std::size_t most = random.coin() ? 5 : 9000;
    feeder.feed_lines(as_bytes(stream), [&] { return 1 + random.below(most); });
    EXPECT_FALSE(feeder.bad);
    EXPECT_EQ(feeder.out, lines);
  }
}

TEST(FrameBuffer, RefusesALineWithoutEndOnceItIsTooLong) {
  Feeder feeder;
  feeder.feed_lines(as_bytes(std::string(limits::kLineMaxBytes + 1, 'x')),
                    [] { return std::size_t{1000}; });
  EXPECT_TRUE(feeder.bad);
  std::string ended_line(limits::kLineMaxBytes + 1, 'x');
  ended_line.push_back('\n');
  Feeder ended;
  ended.feed_lines(as_bytes(ended_line), [] { return std::size_t{100'000}; });
  EXPECT_TRUE(ended.bad);
}

}  // namespace
}  // namespace txindex::net
