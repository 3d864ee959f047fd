#include "store/binary_array.h"

namespace txindex::store {
namespace {

constexpr std::size_t kHeadBytes = 20;
constexpr std::size_t kEmptyBytes = 12;  // no length, no bound

}  // namespace

void BinaryArray::clear() {
  buffer_.resize(kHeadBytes);
  size_ = 0;
  has_null_ = false;
}

void BinaryArray::put_word(std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i)
    buffer_[at + i] = static_cast<char>(value >> (24 - 8 * i));
}

std::string_view BinaryArray::finish() {
  put_word(0, size_ == 0 ? 0 : 1);
  put_word(4, has_null_ ? 1 : 0);
  put_word(8, static_cast<std::uint32_t>(type_));
  put_word(12, size_);
  put_word(16, 1);
  return std::string_view(buffer_).substr(0, size_ == 0 ? kEmptyBytes : buffer_.size());
}

}  // namespace txindex::store
