#include "verify/ed25519/blocks.h"

#include <algorithm>
#include <cstring>

namespace txindex::verify::ed25519 {

bool fill_block(std::uint64_t (&block)[kBlockBytes / 8], const Triple& triple, std::size_t index) {
  constexpr std::size_t kHead = 64;  // R and A
  auto* bytes = reinterpret_cast<std::uint8_t*>(block);
  const std::size_t total = kHead + triple.message_bytes;
  // One byte 0x80, zeros, and the length in bits as a big-endian number of 16 bytes.
  const std::size_t blocks = (total + 17 + kBlockBytes - 1) / kBlockBytes;
  if (index >= blocks) {
    std::memset(bytes, 0, kBlockBytes);
    return false;
  }
  std::size_t at = 0;
  if (index == 0) {
    std::memcpy(bytes, triple.signature, 32);
    std::memcpy(bytes + 32, triple.public_key, 32);
    at = kHead;
  }
  const std::size_t from = index * kBlockBytes + at - kHead;  // in the message
  if (from < triple.message_bytes) {
    const std::size_t count = std::min(kBlockBytes - at, triple.message_bytes - from);
    std::memcpy(bytes + at, triple.message + from, count);
    at += count;
  }
  if (at == kBlockBytes) return true;
  std::memset(bytes + at, 0, kBlockBytes - at);
  if (index * kBlockBytes + at == total) bytes[at] = 0x80;
  if (index == blocks - 1) {
    const std::uint64_t bits = static_cast<std::uint64_t>(total) * 8;
    for (int i = 0; i < 8; ++i)
      bytes[kBlockBytes - 1 - i] = static_cast<std::uint8_t>(bits >> (8 * i));
  }
  return true;
}

}  // namespace txindex::verify::ed25519
