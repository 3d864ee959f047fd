// One-dimensional arrays in PostgreSQL's binary format, to be passed as a whole as one parameter:
//
//   array = u32 dimensions (1, or 0 when empty), u32 has_null, u32 element type,
//           [u32 length, u32 lower bound = 1], value*
#pragma once

#include <cstdint>
#include <string_view>

#include "store/binary_fields.h"

namespace txindex::store {

// The object identifiers of the element types, fixed in PostgreSQL's catalogue.
enum class ElementType : std::uint32_t {
  bytea = 17,
  int8 = 20,
  int2 = 21,
  timestamptz = 1184,
};

class BinaryArray : public BinaryFields {
 public:
  explicit BinaryArray(ElementType type) : type_(type) { clear(); }

  void clear();
  std::uint32_t size() const { return size_; }

  // The whole array; good until the next change. Each value is of the array's own type.
  std::string_view finish();

 private:
  void put_word(std::size_t at, std::uint32_t value);

  ElementType type_;
};

}  // namespace txindex::store
