#include "chain/base58.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

namespace txindex::chain::base58 {
namespace {

using Blob = std::vector<std::uint8_t>;

// One digit and one byte at a time: slow, and plain enough to be believed.
std::string encode_by_division(Blob bytes) {
  constexpr std::string_view alphabet =
      "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  std::string zeros;
  for (std::size_t i = 0; i < bytes.size() && bytes[i] == 0; ++i)
    zeros += '1';
  std::string digits;
  while (std::ranges::any_of(bytes, [](std::uint8_t b) { return b != 0; })) {
    unsigned remainder = 0;
    for (std::uint8_t& byte : bytes) {
      remainder = remainder * 256 + byte;
      byte = static_cast<std::uint8_t>(remainder / 58);
      remainder %= 58;
    }
    digits.insert(digits.begin(), alphabet[remainder]);
  }
  return zeros + digits;
}

std::optional<Blob> decode_to_blob(std::string_view text, std::size_t room = kMaxBytes) {
  Blob out(room);
  const auto length = decode(text, out);
  if (!length) return std::nullopt;
  out.resize(*length);
  return out;
}

TEST(Base58, KnownTextsOfTheFormatComeOut) {
  const std::pair<Blob, std::string> known[] = {
      {{}, ""},
      {{0}, "1"},
      {{0, 0, 0}, "111"},
      {{57}, "z"},
      {{58}, "21"},
      {{0x61}, "2g"},
      {{0x62, 0x62, 0x62}, "a3gV"},
      {{0x00, 0x00, 0x28, 0x7f, 0xb4, 0xcd}, "11233QC4"},
      {{0xff, 0xff, 0xff, 0xff}, "7YXq9G"},
      {{0x00, 0xeb, 0x15, 0x23, 0x1d, 0xfc, 0xeb, 0x60, 0x92, 0x58, 0x86, 0xb6, 0x7d,
        0x06, 0x52, 0x99, 0x92, 0x59, 0x15, 0xae, 0xb1, 0x72, 0xc0, 0x66, 0x47},
       "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"},
  };
  for (const auto& [bytes, text] : known) {
    EXPECT_EQ(encode(bytes), text);
    EXPECT_EQ(decode_to_blob(text), bytes) << text;
  }
}

TEST(Base58, AddressesOfSolanaComeOut) {
  EXPECT_EQ(encode(Blob(32, 0)), "11111111111111111111111111111111");
  const std::string token = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
  const Blob bytes = {0x06, 0xdd, 0xf6, 0xe1, 0xd7, 0x65, 0xa1, 0x93, 0xd9, 0xcb, 0xe1,
                      0x46, 0xce, 0xeb, 0x79, 0xac, 0x1c, 0xb4, 0x85, 0xed, 0x5f, 0x5b,
                      0x37, 0x91, 0x3a, 0x8c, 0xf5, 0x85, 0x7e, 0xff, 0x00, 0xa9};
  EXPECT_EQ(encode(bytes), token);
  EXPECT_EQ(decode_to_blob(token), bytes);
}

TEST(Base58, AgreesWithLongDivisionAndComesBackForEveryLength) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (std::size_t length = 0; length <= kMaxBytes; ++length) {
    for (int round = 0; round < 12; ++round) {
      Blob bytes(length);
      for (auto& byte : bytes)
        byte = static_cast<std::uint8_t>(random());
      if (round == 0) bytes.assign(length, 0xff);  // the greatest value
      if (round == 1) bytes.assign(length, 0);
      for (std::size_t i = 0; round > 8 && i < bytes.size() && i < random() % 6; ++i)
        bytes[i] = 0;
      const std::string text = encode(bytes);
      ASSERT_EQ(text, encode_by_division(bytes)) << length;
      ASSERT_LE(text.size(), max_text_size(length));
      ASSERT_EQ(decode_to_blob(text), bytes);
      Blob exact(length);
      ASSERT_TRUE(decode_exact(text, exact));
      ASSERT_EQ(exact, bytes);
    }
  }
}

TEST(Base58, LongestTextsAreAsLongAsPromised) {
  EXPECT_EQ(max_text_size(32), 44U);
  EXPECT_EQ(max_text_size(64), 88U);
  EXPECT_EQ(encode(Blob(32, 0xff)).size(), 44U);
  EXPECT_EQ(encode(Blob(64, 0xff)).size(), 88U);
}

TEST(Base58, AnyCharacterOutsideTheAlphabetIsRefusedAnywhere) {
  const std::string good = encode(Blob(32, 0xab));
  const std::string_view alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  for (int c = 0; c < 256; ++c) {
    const char character = static_cast<char>(c);
    for (std::size_t at = 0; at < good.size(); ++at) {
      std::string text = good;
      text[at] = character;
      Blob out(33);
      EXPECT_EQ(decode(text, out).has_value(), alphabet.find(character) != alphabet.npos)
          << c << " at " << at;
    }
  }
  EXPECT_FALSE(decode_to_blob(" " + good));
  EXPECT_FALSE(decode_to_blob(good + "\n"));
}

TEST(Base58, WhatDoesNotFitIsRefused) {
  const Blob greatest(32, 0xff);
  std::string text = encode(greatest);
  EXPECT_TRUE(decode_to_blob(text, 32));
  EXPECT_FALSE(decode_to_blob(text, 31));
  // 2^256 is the same number of characters and one too many.
  ASSERT_NE(text.back(), 'z');
  text.back() = static_cast<char>(text.back() + 1);
  EXPECT_FALSE(decode_to_blob(text, 32));
  EXPECT_TRUE(decode_to_blob(text, 33));
  EXPECT_FALSE(decode_to_blob(std::string(44, 'z'), 32));
  EXPECT_FALSE(decode_to_blob(std::string(33, '1'), 32));
  EXPECT_FALSE(decode_to_blob("1" + encode(greatest), 32));
  // One byte too many, in no more characters than fewer bytes can take.
  Blob small(32, 0);
  small[0] = 1;
  ASSERT_EQ(encode(small).size(), max_text_size(31));
  EXPECT_FALSE(decode_to_blob("1" + encode(small), 32));
  EXPECT_TRUE(decode_to_blob("1" + encode(small), 33));
  EXPECT_FALSE(decode_to_blob(std::string(100'000, 'z')));
  EXPECT_FALSE(decode_to_blob(std::string(100'000, '1')));
  EXPECT_TRUE(decode_to_blob("", 0));
  EXPECT_FALSE(decode_to_blob("2", 0));
}

TEST(Base58, ExactDecodeWantsExactlySoManyBytes) {
  std::array<std::uint8_t, 32> out;
  EXPECT_TRUE(decode_exact(encode(Blob(32, 1)), out));
  EXPECT_FALSE(decode_exact(encode(Blob(31, 1)), out));
  EXPECT_FALSE(decode_exact(encode(Blob(33, 1)), out));
  EXPECT_FALSE(decode_exact("", out));
  EXPECT_TRUE(decode_exact(std::string(32, '1'), out));
  EXPECT_FALSE(decode_exact(std::string(31, '1'), out));
  // A value that is short because of its leading zeros needs each of them written.
  Blob short_value(32, 0);
  short_value[31] = 5;
  EXPECT_TRUE(decode_exact(encode(short_value), out));
  EXPECT_FALSE(decode_exact(encode(short_value).substr(1), out));
}

}  // namespace
}  // namespace txindex::chain::base58
