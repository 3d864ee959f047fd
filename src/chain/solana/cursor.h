// Reads a transaction from its first byte to its last, and never past it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "txindex/bytes.h"
#include "txindex/wire/frame.h"

#include "chain/solana/rules.h"

namespace txindex::chain::solana {

// Every read moves on by what it read, or says why it cannot; then nothing is to be read after it.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) : bytes_(bytes) {}

  std::size_t position() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }
  // What has been read since `begin`, an earlier position.
  Bytes since(std::size_t begin) const { return bytes_.subspan(begin, at_ - begin); }

  Verdict bytes(std::size_t count, Bytes& out) {
    if (count > left()) return &kEndsEarly;
    out = bytes_.subspan(at_, count);
    at_ += count;
    return nullptr;
  }

  Verdict u8(std::uint8_t& out) {
    if (left() == 0) return &kEndsEarly;
    out = bytes_[at_++];
    return nullptr;
  }

  // Little-endian, as everything of more than one byte is here.
  Verdict u32(std::uint32_t& out) {
    Bytes four;
    if (const Verdict why = bytes(sizeof(out), four)) return why;
    out = wire::load<std::uint32_t>(four.data());
    return nullptr;
  }

  // 1 to 3 bytes of 7 bits, the low ones first; the high bit says that another byte follows.
  Verdict compact_u16(std::size_t& out) {
    std::uint8_t byte = 0;
    if (const Verdict why = u8(byte)) return why;
    if (byte < 0x80) {  // nearly always
      out = byte;
      return nullptr;
    }
    return compact_u16_rest(byte, out);
  }

  // A compact-u16 and that many bytes.
  Verdict counted_bytes(Bytes& out) {
    std::size_t count = 0;
    if (const Verdict why = compact_u16(count)) return why;
    return bytes(count, out);
  }

  Verdict end() const { return left() == 0 ? nullptr : &kTrailingBytes; }

 private:
  Verdict compact_u16_rest(std::uint8_t first, std::size_t& out) {
    std::uint8_t second = 0;
    if (const Verdict why = u8(second)) return why;
    if (second == 0) return &kCompactNotMinimal;
    out = static_cast<std::size_t>(first & 0x7f) | static_cast<std::size_t>(second & 0x7f) << 7;
    if (second < 0x80) return nullptr;

    std::uint8_t third = 0;
    if (const Verdict why = u8(third)) return why;
    if (third == 0) return &kCompactNotMinimal;
    if (third >= 0x80) return &kCompactContinues;
    if (third > 3) return &kCompactOverflow;
    out |= static_cast<std::size_t>(third) << 14;
    return nullptr;
  }

  Bytes bytes_;
  std::size_t at_ = 0;
};

}  // namespace txindex::chain::solana
