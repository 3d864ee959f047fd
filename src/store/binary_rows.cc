#include "store/binary_rows.h"

namespace txindex::store {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kHead = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"sv;

}  // namespace

void BinaryRows::clear() {
  buffer_.assign(kHead);
  size_ = 0;
  has_null_ = false;
  rows_ = 0;
  finished_ = false;
}

void BinaryRows::put_int2(std::int16_t value) {
  const auto bits = static_cast<std::uint16_t>(value);
  buffer_ += static_cast<char>(bits >> 8);
  buffer_ += static_cast<char>(bits & 0xff);
}

void BinaryRows::begin_row(std::int16_t fields) {
  put_int2(fields);
  ++rows_;
}

std::string_view BinaryRows::finish() {
  if (!finished_) put_int2(-1);
  finished_ = true;
  return buffer_;
}

}  // namespace txindex::store
