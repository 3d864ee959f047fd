#include <gtest/gtest.h>

#include "chain/solana/cursor.h"
#include "support/solana_builder.h"

namespace txindex::chain::solana {
namespace {

TEST(Cursor, EveryCompactU16ComesBackAndEndsWhereItEnds) {
  for (std::size_t value = 0; value <= 0xffff; ++value) {
    test::Blob bytes = test::compact_u16(value);
    const std::size_t length = bytes.size();
    bytes.push_back(0xee);
    Cursor in(bytes);
    std::size_t read = 0;
    ASSERT_EQ(in.compact_u16(read), nullptr) << value;
    ASSERT_EQ(read, value);
    ASSERT_EQ(in.position(), length) << value;
    for (std::size_t cut = 0; cut < length; ++cut) {
      Cursor shorter(Bytes(bytes).first(cut));
      ASSERT_EQ(shorter.compact_u16(read), &kEndsEarly) << value;
    }
  }
}

TEST(Cursor, NoOtherThreeBytesAreACompactU16) {
  std::size_t accepted = 0;
  for (unsigned bits = 0; bits < 1U << 24; ++bits) {
    const std::uint8_t bytes[] = {static_cast<std::uint8_t>(bits),
                                  static_cast<std::uint8_t>(bits >> 8),
                                  static_cast<std::uint8_t>(bits >> 16)};
    Cursor in(bytes);
    std::size_t value = 0;
    // Counted once for each reading that takes all three.
    if (in.compact_u16(value) == nullptr && in.left() == 0) {
      ++accepted;
      ASSERT_GE(value, 0x4000U);
      ASSERT_LE(value, 0xffffU);
    }
  }
  EXPECT_EQ(accepted, 0x10000U - 0x4000U);
}

TEST(Cursor, NothingIsReadPastTheEnd) {
  const std::uint8_t bytes[] = {1, 2, 3, 4, 5};
  Cursor in(bytes);
  std::uint32_t word = 0;
  Bytes view;
  ASSERT_EQ(in.u32(word), nullptr);
  EXPECT_EQ(word, 0x04030201U);
  EXPECT_EQ(in.u32(word), &kEndsEarly);
  EXPECT_EQ(in.bytes(2, view), &kEndsEarly);
  EXPECT_EQ(in.bytes(~std::size_t{0}, view), &kEndsEarly);
  EXPECT_EQ(in.end(), &kTrailingBytes);
  ASSERT_EQ(in.bytes(1, view), nullptr);
  EXPECT_EQ(view.data(), bytes + 4);
  EXPECT_EQ(in.end(), nullptr);
  ASSERT_EQ(in.bytes(0, view), nullptr);
  std::uint8_t byte = 0;
  EXPECT_EQ(in.u8(byte), &kEndsEarly);
}

}  // namespace
}  // namespace txindex::chain::solana
