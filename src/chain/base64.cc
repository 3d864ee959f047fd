#include "chain/base64.h"

#include <array>
#include <cassert>

namespace txindex::chain::base64 {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static_assert(kAlphabet.size() == 64);
constexpr char kPad = '=';

// A bit above every digit and every group of digits.
constexpr std::uint32_t kInvalid = 1U << 24;

constexpr std::array<std::uint32_t, 256> kDigitOf = [] {
  std::array<std::uint32_t, 256> digits{};
  digits.fill(kInvalid);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::uint32_t>(i);
  }
  return digits;
}();

std::uint32_t digit(char c) {
  return kDigitOf[static_cast<std::uint8_t>(c)];
}
char character(std::uint32_t value) {
  return kAlphabet[value & 63];
}

// The 24 bits of four characters, or kInvalid if one of them is no digit.
std::uint32_t group(std::string_view text, std::size_t at) {
  const std::uint32_t a = digit(text[at]);
  const std::uint32_t b = digit(text[at + 1]);
  const std::uint32_t c = digit(text[at + 2]);
  const std::uint32_t d = digit(text[at + 3]);
  if (((a | b | c | d) & kInvalid) != 0) return kInvalid;
  return a << 18 | b << 12 | c << 6 | d;
}

}  // namespace

void encode(Bytes bytes, std::span<char> out) {
  assert(out.size() >= text_size(bytes.size()));
  std::size_t to = 0;
  std::size_t at = 0;
  for (; at + 3 <= bytes.size(); at += 3) {
    const std::uint32_t bits =
        std::uint32_t{bytes[at]} << 16 | std::uint32_t{bytes[at + 1]} << 8 | bytes[at + 2];
    out[to++] = character(bits >> 18);
    out[to++] = character(bits >> 12);
    out[to++] = character(bits >> 6);
    out[to++] = character(bits);
  }
  const std::size_t left = bytes.size() - at;
  if (left == 0) return;
  std::uint32_t bits = std::uint32_t{bytes[at]} << 16;
  if (left == 2) bits |= std::uint32_t{bytes[at + 1]} << 8;
  out[to++] = character(bits >> 18);
  out[to++] = character(bits >> 12);
  out[to++] = left == 2 ? character(bits >> 6) : kPad;
  out[to++] = kPad;
}

std::string encode(Bytes bytes) {
  std::string text(text_size(bytes.size()), kPad);
  encode(bytes, text);
  return text;
}

std::optional<std::size_t> decode(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return 0;
  const std::size_t padding = text.back() != kPad ? 0U : (text[text.size() - 2] != kPad ? 1U : 2U);
  const std::size_t length = max_bytes(text.size()) - padding;
  if (length > out.size()) return std::nullopt;

  std::size_t to = 0;
  std::size_t at = 0;
  for (; to + 3 <= length; at += 4) {
    const std::uint32_t bits = group(text, at);
    if (bits == kInvalid) return std::nullopt;
    out[to++] = static_cast<std::uint8_t>(bits >> 16);
    out[to++] = static_cast<std::uint8_t>(bits >> 8);
    out[to++] = static_cast<std::uint8_t>(bits);
  }
  if (padding == 0) return length;

  // The last group, its padding read as digits of zero.
  std::array<char, 4> last = {text[at], text[at + 1], kAlphabet[0], kAlphabet[0]};
  if (padding == 1) last[2] = text[at + 2];
  const std::uint32_t bits = group({last.data(), last.size()}, 0);
  if (bits == kInvalid) return std::nullopt;
  if ((bits & (padding == 2 ? 0xffffU : 0xffU)) != 0) return std::nullopt;  // unused bits
  out[to++] = static_cast<std::uint8_t>(bits >> 16);
  if (padding == 1) out[to++] = static_cast<std::uint8_t>(bits >> 8);
  return length;
}

}  // namespace txindex::chain::base64
