// Base58 with Bitcoin's alphabet: how Solana writes addresses (32 bytes) and transaction ids (64).
//
// A leading zero byte is a leading '1', so the text says exactly how many bytes it stands for. No
// checksum, no white space. Nothing here allocates but the function that returns a string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "txindex/bytes.h"

namespace txindex::chain::base58 {

// The work grows with the square of the length; nothing that is written in base58 is longer.
inline constexpr std::size_t kMaxBytes = 128;

// The longest text that `bytes` bytes can become: 44 for 32 bytes, 88 for 64. log(256) / log(58) is
// a little less than 1.366.
constexpr std::size_t max_text_size(std::size_t bytes) {
  return bytes * 1366 / 1000 + 1;
}

// Writes the text to the beginning of `out` and returns its length. `bytes` is at most kMaxBytes
// long and `out` at least max_text_size(bytes.size()): both are the caller's to ensure.
std::size_t encode(Bytes bytes, std::span<char> out);
std::string encode(Bytes bytes);

// Writes what `text` stands for to the beginning of `out` and returns how many bytes that is.
// nullopt: a character outside the alphabet, or more bytes than `out` or kMaxBytes.
std::optional<std::size_t> decode(std::string_view text, std::span<std::uint8_t> out);

// As decode(), for a value of known length: true if `text` stands for exactly out.size() bytes.
bool decode_exact(std::string_view text, std::span<std::uint8_t> out);

}  // namespace txindex::chain::base58
