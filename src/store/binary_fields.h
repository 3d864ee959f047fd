// Values in PostgreSQL's binary format, one after the other, as they are in arrays (binary_array.h)
// and in the rows of COPY (binary_rows.h):
//
//   value = i32 size in bytes (-1: null), bytes
//
// All big-endian. A buffer is cleared and used again: once it has grown to its working size,
// nothing is allocated.
#pragma once

#include <cstdint>
#include <string>

#include "txindex/bytes.h"

namespace txindex::store {

// Microseconds from the Unix epoch to PostgreSQL's, 2000-01-01 UTC.
inline constexpr std::int64_t kPostgresEpochUs = 946'684'800'000'000;

class BinaryFields {
 public:
  void add_int2(std::int16_t value) {
    add_integer<std::uint16_t>(static_cast<std::uint16_t>(value));
  }
  void add_int8(std::int64_t value) {
    add_integer<std::uint64_t>(static_cast<std::uint64_t>(value));
  }
  // timestamptz; microseconds since the Unix epoch.
  void add_time(std::int64_t unix_us) { add_int8(unix_us - kPostgresEpochUs); }
  void add_bytes(Bytes value);
  void add_null();

 protected:
  ~BinaryFields() = default;

  template <typename Unsigned>
  void add_integer(Unsigned value) {
    char field[4 + sizeof(Unsigned)] = {0, 0, 0, static_cast<char>(sizeof(Unsigned))};
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
      field[4 + i] = static_cast<char>(value >> (8 * (sizeof(Unsigned) - 1 - i)));
    }
    buffer_.append(field, sizeof(field));
    ++size_;
  }

  std::uint32_t size_ = 0;
  bool has_null_ = false;
  std::string buffer_;
};

}  // namespace txindex::store
