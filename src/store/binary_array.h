// One-dimensional arrays in PostgreSQL's binary format, to be passed as a whole as one parameter:
//
//   array   = u32 dimensions (1, or 0 when empty), u32 has_null, u32 element type,
//             [u32 length, u32 lower bound = 1], element*
//   element = i32 size in bytes (-1: null), bytes
//
// All big-endian. A buffer is cleared and used again: once it has grown to its working size,
// nothing is allocated.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "txindex/bytes.h"

namespace txindex::store {

// The object identifiers of the element types, fixed in PostgreSQL's catalogue.
enum class ElementType : std::uint32_t {
  bytea = 17,
  int8 = 20,
  int2 = 21,
  timestamptz = 1184,
};

// Microseconds from the Unix epoch to PostgreSQL's, 2000-01-01 UTC.
inline constexpr std::int64_t kPostgresEpochUs = 946'684'800'000'000;

class BinaryArray {
 public:
  explicit BinaryArray(ElementType type) : type_(type) { clear(); }

  void clear();
  std::uint32_t size() const { return size_; }

  // One of these for each element, of the array's own type.
  void add_int2(std::int16_t value) {
    add_integer<std::uint16_t>(static_cast<std::uint16_t>(value));
  }
  void add_int8(std::int64_t value) {
    add_integer<std::uint64_t>(static_cast<std::uint64_t>(value));
  }
  // Microseconds since the Unix epoch.
  void add_time(std::int64_t unix_us) { add_int8(unix_us - kPostgresEpochUs); }
  void add_bytes(Bytes value);
  void add_null();

  // The whole array; good until the next change.
  std::string_view finish();

 private:
  template <typename Unsigned>
  void add_integer(Unsigned value) {
    char element[4 + sizeof(Unsigned)] = {0, 0, 0, static_cast<char>(sizeof(Unsigned))};
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
      element[4 + i] = static_cast<char>(value >> (8 * (sizeof(Unsigned) - 1 - i)));
    }
    buffer_.append(element, sizeof(element));
    ++size_;
  }
  void put_word(std::size_t at, std::uint32_t value);

  ElementType type_;
  std::uint32_t size_ = 0;
  bool has_null_ = false;
  std::string buffer_;
};

}  // namespace txindex::store
