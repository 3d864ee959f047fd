#include <gtest/gtest.h>

#include "txindex/wire/ack.h"
#include "txindex/wire/frame.h"

namespace txindex::wire {
namespace {

Bytes body_of(const Buffer& frame, FrameType type) {
  EXPECT_GE(frame.size(), 5U);
  EXPECT_EQ(load<std::uint32_t>(frame.data()), frame.size() - 4);
  EXPECT_EQ(frame[4], static_cast<std::uint8_t>(type));
  return Bytes(frame).subspan(5);
}

TEST(Frame, TxHasTheLayoutOfTheProtocol) {
  const std::uint8_t raw[] = {0xaa, 0xbb};
  Buffer out;
  append_tx(out, {.chain = 1, .time_us = 0x0102030405060708, .slot = 9, .transaction = raw});
  const Buffer expected = {21, 0, 0, 0, 2, 1, 3, 8, 7, 6, 5,    4,   3,
                           2,  1, 9, 0, 0, 0, 0, 0, 0, 0, 0xaa, 0xbb};
  EXPECT_EQ(out, expected);
}

TEST(Frame, TxComesBackWithWhateverItCarried) {
  const std::uint8_t raw[] = {1, 2, 3};
  for (const bool with_time : {false, true}) {
    for (const bool with_slot : {false, true}) {
      TxFrame tx{.chain = 1, .time_us = {}, .slot = {}, .transaction = raw};
      if (with_time) tx.time_us = -5;
      if (with_slot) tx.slot = ~0ULL;
      Buffer out;
      append_tx(out, tx);
      const auto parsed = parse_tx(body_of(out, FrameType::tx));
      ASSERT_TRUE(parsed);
      EXPECT_EQ(parsed->time_us, tx.time_us);
      EXPECT_EQ(parsed->slot, tx.slot);
      EXPECT_TRUE(std::ranges::equal(parsed->transaction, raw));
    }
  }
}

TEST(Frame, TxCutAnywhereInItsHeadDoesNotParse) {
  Buffer out;
  append_tx(out, {.chain = 1, .time_us = 1, .slot = 2, .transaction = {}});
  const Bytes body = body_of(out, FrameType::tx);
  ASSERT_TRUE(parse_tx(body));
  for (std::size_t n = 0; n < body.size(); ++n)
    EXPECT_FALSE(parse_tx(body.first(n))) << n;
}

TEST(Frame, UnknownFlagsDoNotParse) {
  const std::uint8_t body[] = {1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_FALSE(parse_tx(body));
}

TEST(Frame, HelloMustBeExactlyAsLongAsItSays) {
  Buffer out;
  append_hello(out, as_bytes("secret"));
  const Bytes body = body_of(out, FrameType::hello);
  ASSERT_TRUE(parse_hello(body));
  EXPECT_EQ(as_text(parse_hello(body)->token), "secret");
  EXPECT_FALSE(parse_hello(body.first(body.size() - 1)));
  out.push_back(0);
  EXPECT_FALSE(parse_hello(Bytes(out).subspan(5)));
}

TEST(Frame, WelcomeAndErrorComeBack) {
  Buffer out;
  append_welcome(out, {1, 2, 3, 4});
  const auto welcome = parse_welcome(body_of(out, FrameType::welcome));
  ASSERT_TRUE(welcome);
  EXPECT_EQ(welcome->largest_frame_bytes, 2U);
  EXPECT_EQ(welcome->window_transactions, 3U);
  EXPECT_EQ(welcome->window_bytes, 4U);
  out.clear();
  append_error(out, ErrorCode::bad_frame, "why");
  const auto error = parse_error(body_of(out, FrameType::error));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::bad_frame);
  EXPECT_EQ(error->message, "why");
}

TEST(Ack, ListsOnlyWhatWasNotCommitted) {
  Buffer out;
  AckWriter writer(out);
  writer.exception(3, Outcome::duplicate);
  writer.exception(7, Outcome::bad_signature);
  writer.finish(9);
  const auto ack = AckView::parse(body_of(out, FrameType::ack));
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->up_to(), 9U);
  ASSERT_EQ(ack->size(), 2U);
  EXPECT_EQ((*ack)[0]->sequence, 3U);
  EXPECT_EQ((*ack)[0]->outcome, Outcome::duplicate);
  EXPECT_EQ((*ack)[1]->sequence, 7U);
  EXPECT_EQ((*ack)[1]->outcome, Outcome::bad_signature);
}

TEST(Ack, FullFrameStaysWithinTheLargestFrame) {
  Buffer out;
  AckWriter writer(out);
  std::uint64_t n = 0;
  while (!writer.full())
    writer.exception(++n, Outcome::malformed);
  writer.finish(n);
  EXPECT_LE(load<std::uint32_t>(out.data()), limits::kFrameMaxBytes);
  const auto ack = AckView::parse(body_of(out, FrameType::ack));
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->size(), n);
}

TEST(Ack, CountThatDoesNotMatchTheLengthDoesNotParse) {
  Buffer out;
  AckWriter writer(out);
  writer.exception(1, Outcome::duplicate);
  writer.finish(1);
  const Bytes body = body_of(out, FrameType::ack);
  for (std::size_t n = 0; n < body.size(); ++n)
    EXPECT_FALSE(AckView::parse(body.first(n))) << n;
  out[13] = 0xff;  // a count of 255, of which one is there
  EXPECT_FALSE(AckView::parse(Bytes(out).subspan(5)));
}

}  // namespace
}  // namespace txindex::wire
