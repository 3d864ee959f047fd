// Durations and sizes as people write them.
//
//   duration = number [us | ms | s | min | h | d]           a plain number is seconds
//   size     = number [B | KiB | MiB | GiB | KB | MB | GB]  a plain number is bytes
//   number   = digits [. digits]
//
// The unit may stand after a space; the case of its letters is free. The value must be a whole
// number of microseconds or bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace txindex::config {

// Nothing if the text is not of the form above or the value does not fit.
std::optional<std::chrono::microseconds> parse_duration(std::string_view text);
std::optional<std::uint64_t> parse_size(std::string_view text);

// In the largest unit that gives a whole number; parsing the text gives the same value.
std::string format_duration(std::chrono::microseconds value);
std::string format_size(std::uint64_t bytes);

}  // namespace txindex::config
