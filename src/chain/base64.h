// Base64 of RFC 4648, section 4: the standard alphabet, padded. Strict: no white space, no line
// breaks, padding where it belongs and nowhere else, unused bits zero. So every value has one text.
// Nothing here allocates but the function that returns a string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "txindex/bytes.h"

namespace txindex::chain::base64 {

constexpr std::size_t text_size(std::size_t bytes) {
  return (bytes + 2) / 3 * 4;
}
// The most bytes that a text of this length can stand for.
constexpr std::size_t max_bytes(std::size_t text) {
  return text / 4 * 3;
}

// Writes text_size(bytes.size()) characters to the beginning of `out`, which is at least so long.
void encode(Bytes bytes, std::span<char> out);
std::string encode(Bytes bytes);

// Writes what `text` stands for to the beginning of `out` and returns how many bytes that is.
// nullopt: not base64 as above, or more bytes than `out` holds; `out` may then hold a part.
std::optional<std::size_t> decode(std::string_view text, std::span<std::uint8_t> out);

}  // namespace txindex::chain::base64
