// The pure parts of the client: what it keeps, what it may send, what it reads.
#include <gtest/gtest.h>

#include <random>

#include "client/byte_ring.h"
#include "client/frame_reader.h"
#include "client/outbox.h"

namespace txindex::client {
namespace {

using wire::Buffer;

constexpr Outbox::Window kWide{1000000, 1000000000};

Buffer numbered(std::size_t size, unsigned first) {
  Buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>(first + i);
  return bytes;
}

Buffer taken(const ByteRing& ring, std::uint64_t begin, std::uint64_t end) {
  Buffer out;
  while (begin != end) {
    const Bytes part = ring.view(begin, end);
    EXPECT_FALSE(part.empty());
    out.insert(out.end(), part.begin(), part.end());
    begin += part.size();
  }
  return out;
}

TEST(ByteRing, GivesBackWhatWentInHoweverItWrapsAndGrows) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  ByteRing ring;
  std::deque<std::uint8_t> model;
  unsigned next = 0;
  for (int i = 0; i < 3000; ++i) {
    const Buffer in = numbered(random() % 3000, next);
    next += static_cast<unsigned>(in.size());
    ring.push(in);
    model.insert(model.end(), in.begin(), in.end());
    // Mostly small, so that it wraps; sometimes left to fill, so that it grows while wrapped.
    const std::size_t most = i % 300 < 250 ? model.size() : model.size() / 8;
    const std::size_t out = most == 0 ? 0 : random() % (most + 1);
    ring.pop(out);
    model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(out));
    ASSERT_EQ(ring.size(), model.size());
    if (i % 50 == 0) {
      ASSERT_EQ(taken(ring, ring.front(), ring.back()), Buffer(model.begin(), model.end()));
    }
  }
}

TEST(Outbox, SendsNothingBeforeAConnectionHasAWindow) {
  Outbox box;
  box.push(numbered(10, 0));
  EXPECT_TRUE(box.sendable().empty());
  box.restart(kWide);
  EXPECT_EQ(box.sendable().size(), 10U);
}

TEST(Outbox, AllowsNoMoreThanTheWindowInTransactionsOrBytes) {
  Outbox box;
  box.restart({3, 100});
  for (int i = 0; i < 5; ++i)
    box.push(numbered(10, 0));
  EXPECT_EQ(box.sendable().size(), 30U);
  box.advance(30);
  EXPECT_TRUE(box.sendable().empty());
  box.complete();
  EXPECT_EQ(box.sendable().size(), 10U);

  Outbox narrow;
  narrow.restart({100, 25});
  for (int i = 0; i < 5; ++i)
    narrow.push(numbered(10, 0));
  EXPECT_EQ(narrow.sendable().size(), 20U) << "a frame is allowed whole or not at all";
}

TEST(Outbox, SendsTheSameBytesAgainFromTheFront) {
  Outbox box;
  box.restart(kWide);
  box.push(numbered(10, 0));
  box.push(numbered(10, 100));
  box.push(numbered(10, 200));
  box.advance(15);
  EXPECT_EQ(box.sent(), 1U);
  box.complete();
  box.restart(kWide);
  const Bytes again = box.sendable();
  Buffer expected = numbered(10, 100);
  const Buffer last = numbered(10, 200);
  expected.insert(expected.end(), last.begin(), last.end());
  EXPECT_EQ(Buffer(again.begin(), again.end()), expected);
  box.advance(20);
  EXPECT_EQ(box.resent(), 1U) << "the second was begun before, the third was not";
}

TEST(Outbox, AfterHoldOnlyTheFrameThatWasBegunIsEnded) {
  Outbox box;
  box.restart(kWide);
  for (int i = 0; i < 3; ++i)
    box.push(numbered(10, 0));
  box.advance(13);
  box.hold();
  EXPECT_EQ(box.sendable().size(), 7U);
  EXPECT_EQ(box.rest_of_frame().size(), 7U);
  box.advance(7);
  EXPECT_TRUE(box.at_boundary());
  EXPECT_TRUE(box.sendable().empty());
  box.push(numbered(10, 0));
  box.complete();
  EXPECT_TRUE(box.sendable().empty()) << "room is no reason to begin another";
  box.restart(kWide);
  EXPECT_EQ(box.sendable().size(), 30U);
}

TEST(Outbox, AfterHoldAtABoundaryNothingMoreGoesOut) {
  Outbox box;
  box.restart(kWide);
  box.push(numbered(10, 0));
  box.push(numbered(10, 0));
  box.advance(10);
  box.hold();
  EXPECT_TRUE(box.sendable().empty());
  EXPECT_TRUE(box.rest_of_frame().empty());
}

TEST(Outbox, WhatOneConnectionSaidOfATransactionIsForgottenOnTheNext) {
  Outbox box;
  box.restart(kWide);
  box.push(numbered(10, 0));
  box.push(numbered(10, 0));
  box.advance(20);
  box.set_outcome(1, wire::Outcome::malformed);
  EXPECT_EQ(box.complete(), wire::Outcome::committed);
  box.restart(kWide);
  box.advance(10);
  EXPECT_EQ(box.complete(), wire::Outcome::committed);
}

Buffer read_in_pieces(Bytes stream, const std::vector<std::size_t>& cuts) {
  FrameReader reader;
  Buffer seen;
  std::size_t at = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : stream.size();
    while (at < end) {
      const auto space = reader.space();
      const std::size_t n = std::min(space.size(), end - at);
      EXPECT_GT(n, 0U);
      std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at), n, space.begin());
      reader.received(n);
      at += n;
      while (const auto frame = reader.next()) {
        seen.push_back(frame->type);
        wire::append(seen, static_cast<std::uint64_t>(frame->body.size()));
        seen.insert(seen.end(), frame->body.begin(), frame->body.end());
      }
    }
  }
  EXPECT_FALSE(reader.bad_length());
  return seen;
}

Buffer server_stream() {
  Buffer out;
  wire::append_welcome(out, {1, 2, 3, 4});
  wire::AckWriter ack(out);
  ack.exception(2, wire::Outcome::duplicate);
  ack.exception(7, wire::Outcome::bad_signature);
  ack.finish(9);
  wire::append_pong(out, numbered(8, 0));
  wire::append_drain(out);
  wire::append_error(out, wire::ErrorCode::refused, "no");
  return out;
}

TEST(FrameReader, CutAnywhereGivesTheSameFrames) {
  const Buffer stream = server_stream();
  const Buffer whole = read_in_pieces(stream, {});
  for (std::size_t a = 0; a < stream.size(); ++a) {
    for (std::size_t b = a; b < stream.size(); ++b) {
      ASSERT_EQ(read_in_pieces(stream, {a, b}), whole) << a << " " << b;
    }
  }
}

TEST(FrameReader, TakesManyLargeFramesThroughOneBuffer) {
  Buffer stream;
  for (unsigned i = 0; i < 40; ++i) {
    const std::string text(limits::kFrameMaxBytes - 3 - i, static_cast<char>('a' + i));
    wire::append_error(stream, wire::ErrorCode::refused, text);
  }
  std::vector<std::size_t> cuts;
  for (std::size_t at = 0; at < stream.size(); at += 7777)
    cuts.push_back(at);
  EXPECT_EQ(read_in_pieces(stream, cuts), read_in_pieces(stream, {}));
}

TEST(FrameReader, RefusesALengthOfZeroOrOverTheLargestFrame) {
  for (const std::size_t length : {std::size_t{0}, limits::kFrameMaxBytes + 1}) {
    Buffer stream;
    wire::append(stream, static_cast<std::uint32_t>(length));
    FrameReader reader;
    std::copy(stream.begin(), stream.end(), reader.space().begin());
    reader.received(stream.size());
    EXPECT_FALSE(reader.next());
    EXPECT_TRUE(reader.bad_length());
  }
}

}  // namespace
}  // namespace txindex::client
