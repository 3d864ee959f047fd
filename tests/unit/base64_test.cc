#include "chain/base64.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace txindex::chain::base64 {
namespace {

using Blob = std::vector<std::uint8_t>;

std::optional<std::string> decode_to_text(std::string_view text, std::size_t room = 4096) {
  Blob out(room);
  const auto length = decode(text, out);
  if (!length) return std::nullopt;
  return std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*length));
}

TEST(Base64, VectorsOfTheRfcComeOut) {
  const std::pair<std::string, std::string> known[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [bytes, text] : known) {
    EXPECT_EQ(encode(as_bytes(bytes)), text);
    EXPECT_EQ(decode_to_text(text), bytes) << text;
  }
  EXPECT_EQ(encode(Blob{0xfb, 0xff, 0xbf}), "+/+/");
}

TEST(Base64, EveryLengthComesBack) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (std::size_t length = 0; length <= 300; ++length) {
    Blob bytes(length);
    for (auto& byte : bytes)
      byte = static_cast<std::uint8_t>(random());
    const std::string text = encode(bytes);
    ASSERT_EQ(text.size(), text_size(length));
    ASSERT_GE(max_bytes(text.size()), length);
    Blob out(length);  // no more room than needed
    ASSERT_EQ(decode(text, out), length);
    ASSERT_EQ(out, bytes);
    if (length > 0) {
      out.resize(length - 1);
      ASSERT_FALSE(decode(text, out)) << length;
    }
  }
}

TEST(Base64, EveryTextOfOneGroupIsEitherRefusedOrTheOneTextOfItsBytes) {
  // All that can stand in one group of four, over an alphabet that has something of everything.
  const std::string_view characters = "AQgwBf/+9=\n -_";
  for (const char a : characters) {
    for (const char b : characters) {
      for (const char c : characters) {
        for (const char d : characters) {
          const std::string text = {a, b, c, d};
          const auto bytes = decode_to_text(text);
          if (bytes) {
            EXPECT_EQ(encode(as_bytes(*bytes)), text);
          }
        }
      }
    }
  }
}

TEST(Base64, PaddingBelongsAtTheEndAndNowhereElse) {
  for (const char* text : {"=", "==", "===", "====", "Z===", "Zg=", "Zg", "Zg==Zg==", "Zm8=Zm8=",
                           "Zm9v=", "Zm9v====", "Z=g=", "=Zg=", "Zg=a", "Zm9vZ===", "Zm9"}) {
    EXPECT_FALSE(decode_to_text(text)) << text;
  }
}

TEST(Base64, UnusedBitsMustBeZero) {
  EXPECT_TRUE(decode_to_text("Zg=="));
  EXPECT_FALSE(decode_to_text("Zh=="));
  EXPECT_FALSE(decode_to_text("Zo=="));
  EXPECT_TRUE(decode_to_text("Zm8="));
  EXPECT_FALSE(decode_to_text("Zm9="));
  EXPECT_FALSE(decode_to_text("Zm+="));
}

TEST(Base64, AnyCharacterOutsideTheAlphabetIsRefusedAnywhere) {
  const std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string good = "Zm9vYmFyZm9vYmFy";
  for (int c = 0; c < 256; ++c) {
    const char character = static_cast<char>(c);
    for (std::size_t at = 0; at < good.size(); ++at) {
      std::string text = good;
      text[at] = character;
      EXPECT_EQ(decode_to_text(text).has_value(), alphabet.find(character) != alphabet.npos)
          << c << " at " << at;
    }
  }
}

}  // namespace
}  // namespace txindex::chain::base64
