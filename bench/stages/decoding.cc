// From received bytes to the bytes of a transaction: frames, and lines.
#include <algorithm>
#include <cstring>
#include <memory>

#include "net/frame_buffer.h"
#include "net/line_mode.h"
#include "stages/input.h"
#include "stages/stage.h"

namespace txindex::bench {
namespace {

// Chunks that hold, one after the other, what a connection has read. What FrameBuffer carries from
// one chunk into the next is there already, so that a round can be had again without a copy of all.
class ReadStream {
 public:
  explicit ReadStream(const wire::Buffer& bytes) {
    net::FrameBuffer buffer;
    for (std::size_t at = 0; at < bytes.size();) {
      filled_.push_back({parts_.chunks.get(limits::kLargeChunkBytes, false), 0});
      buffer.move_to(filled_.back().chunk);
      const auto space = buffer.space();
      filled_.back().bytes = std::min(space.size(), bytes.size() - at);
      std::memcpy(space.data(), bytes.data() + at, filled_.back().bytes);
      buffer.filled(filled_.back().bytes);
      at += filled_.back().bytes;
      net::FrameBuffer::Frame frame;
      while (buffer.next_frame(frame) == net::FrameBuffer::Status::whole) {
      }
    }
  }

  Work decode() {
    Work done;
    net::FrameBuffer::Frame frame;
    for (const auto& [chunk, bytes] : filled_) {
      buffer_.move_to(chunk);
      buffer_.filled(bytes);
      while (buffer_.next_frame(frame) == net::FrameBuffer::Status::whole) {
        const auto tx = wire::parse_tx(frame.body);
        require(tx.has_value(), "a TX frame does not parse");
        ++done.transactions;
        done.bytes += tx->transaction.size();
      }
    }
    return done;
  }

 private:
  struct Filled {
    flow::ChunkRef chunk;
    std::size_t bytes;
  };
  LoopParts parts_;
  std::vector<Filled> filled_;
  net::FrameBuffer buffer_;
};

// Lines are decoded where they stand, so each round copies them into a chunk, as the kernel does.
class Lines {
 public:
  explicit Lines(wire::Buffer bytes)
      : bytes_(std::move(bytes)), chunk_(parts_.chunks.get(limits::kLargeChunkBytes, false)) {}

  Work decode() {
    Work done;
    net::FrameBuffer buffer;
    std::span<std::uint8_t> line;
    for (std::size_t at = 0; at < bytes_.size();) {
      buffer.move_to(chunk_);
      const auto space = buffer.space();
      const std::size_t count = std::min(space.size(), bytes_.size() - at);
      std::memcpy(space.data(), bytes_.data() + at, count);
      buffer.filled(count);
      at += count;
      while (buffer.next_line(line) == net::FrameBuffer::Status::whole) {
        const auto transaction = net::decode_line(line);
        require(transaction.has_value(), "a line is not base64");
        ++done.transactions;
        done.bytes += transaction->size();
      }
    }
    return done;
  }

 private:
  LoopParts parts_;
  const wire::Buffer bytes_;
  const flow::ChunkRef chunk_;
};

Work checked(Work done, Of of) {
  require(done.transactions == kTransactions && done.bytes == total_bytes(of),
          "what was decoded is not what was encoded");
  return done;
}

// The answers to lines, in the order of the lines.
class Answers {
 public:
  Work answer() {
    for (std::size_t i = 0; i < kTransactions; ++i) {
      const auto& transaction = transactions(Of::transfers)[i];
      answers_.complete({.sequence = answers_.receive(),
                         .outcome = wire::Outcome::committed,
                         .detail = {},
                         .txid = Bytes(transaction).subspan(1, 64),
                         .bytes = transaction.size()});
      if (i % limits::kLineWindowMaxTransactions != 0) continue;
      out_.clear();
      answers_.write(out_);
    }
    out_.clear();
    answers_.write(out_);
    require(answers_.unanswered() == 0, "a line has no answer");
    return {kTransactions, kTransactions * transactions(Of::transfers)[0].size()};
  }

 private:
  net::LineAnswers answers_;
  wire::Buffer out_;
};

}  // namespace

std::vector<Stage> frame_stages() {
  std::vector<Stage> stages;
  for (const auto& [of, name] : {std::pair(Of::transfers, "transfers"), {Of::mixed, "mixed"}}) {
    auto stream = std::make_shared<ReadStream>(frames(of));
    checked(stream->decode(), of);
    stages.push_back({std::string("frames, ") + name, [stream] { return stream->decode(); }});
  }
  return stages;
}

std::vector<Stage> line_stages() {
  auto in = std::make_shared<Lines>(lines(Of::transfers));
  checked(in->decode(), Of::transfers);
  auto out = std::make_shared<Answers>();
  return {{"lines, transfers", [in] { return in->decode(); }},
          {"answers to lines", [out] { return out->answer(); }}};
}

}  // namespace txindex::bench
