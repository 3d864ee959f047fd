// Rows in the binary format of COPY:
//
//   signature "PGCOPY\n\377\r\n\0", u32 flags, u32 bytes of extension, row*, i16 -1
//   row = i16 fields, value*
#pragma once

#include <string_view>

#include "store/binary_fields.h"

namespace txindex::store {

class BinaryRows : public BinaryFields {
 public:
  BinaryRows() { clear(); }

  void clear();
  bool empty() const { return rows_ == 0; }
  std::uint32_t rows() const { return rows_; }

  // The fields are added behind it.
  void begin_row(std::int16_t fields);

  // All of it; good until the next change, which must be clear().
  std::string_view finish();

 private:
  void put_int2(std::int16_t value);

  std::uint32_t rows_ = 0;
  bool finished_ = false;
};

}  // namespace txindex::store
