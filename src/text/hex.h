// Bytes as people write them: two lower-case hexadecimal digits each.
#pragma once

#include <string>

#include "txindex/bytes.h"

namespace txindex::text {

inline std::string hex(Bytes bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace txindex::text
