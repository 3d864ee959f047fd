#include "store/binary_fields.h"

namespace txindex::store {

void BinaryFields::add_bytes(Bytes value) {
  const auto length = static_cast<std::uint32_t>(value.size());
  char head[4];
  for (std::size_t i = 0; i < 4; ++i)
    head[i] = static_cast<char>(length >> (24 - 8 * i));
  buffer_.append(head, sizeof(head));
  buffer_.append(as_text(value));
  ++size_;
}

void BinaryFields::add_null() {
  buffer_.append(4, '\xff');
  has_null_ = true;
  ++size_;
}

}  // namespace txindex::store
