// A first-in first-out buffer of bytes, in one block of memory that grows as needed and is then
// used round and round: nothing is moved when bytes leave at the front.
//
// Positions count all bytes that ever came in, so they stay good while others leave:
//
//   front() <= position < back()
//
// One thread. A view is good until the next push().
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <memory>

#include "txindex/bytes.h"

namespace txindex::client {

class ByteRing {
 public:
  std::uint64_t front() const { return front_; }
  std::uint64_t back() const { return back_; }
  std::uint64_t size() const { return back_ - front_; }

  void push(Bytes bytes) {
    if (size() + bytes.size() > capacity_) grow(size() + bytes.size());
    copy_in(back_, bytes);
    back_ += bytes.size();
  }

  void pop(std::uint64_t n) {
    assert(n <= size());
    front_ += n;
  }

  // The bytes from `begin` on, to `end` or to where the memory wraps, whichever comes first. Empty
  // only if begin == end.
  Bytes view(std::uint64_t begin, std::uint64_t end) const {
    assert(front_ <= begin && begin <= end && end <= back_);
    if (begin == end) return {};
    const std::uint64_t at = begin & (capacity_ - 1);
    return {memory_.get() + at, std::min(end - begin, capacity_ - at)};
  }

 private:
  static constexpr std::uint64_t kFirstCapacityBytes = std::uint64_t{64} * 1024;

  void copy_in(std::uint64_t position, Bytes bytes) {
    if (bytes.empty()) return;
    const std::uint64_t at = position & (capacity_ - 1);
    const std::size_t first = std::min<std::size_t>(bytes.size(), capacity_ - at);
    std::memcpy(memory_.get() + at, bytes.data(), first);
    // Nothing is left for the beginning when it fits before the end.
    if (first < bytes.size()) {
      std::memcpy(memory_.get(), bytes.data() + first, bytes.size() - first);
    }
  }

  void grow(std::uint64_t needed) {
    ByteRing larger;
    larger.capacity_ = std::max(kFirstCapacityBytes, std::bit_ceil(needed));
    larger.memory_ = std::make_unique_for_overwrite<std::uint8_t[]>(larger.capacity_);
    // A byte keeps its position, so what wraps here may not wrap there, and the reverse.
    for (std::uint64_t at = front_; at != back_;) {
      const Bytes part = view(at, back_);
      larger.copy_in(at, part);
      at += part.size();
    }
    memory_ = std::move(larger.memory_);
    capacity_ = larger.capacity_;
  }

  std::unique_ptr<std::uint8_t[]> memory_;
  std::uint64_t capacity_ = 0;  // a power of two, or 0
  std::uint64_t front_ = 0;
  std::uint64_t back_ = 0;
};

}  // namespace txindex::client
