// Receive memory. Bytes are read into a chunk, transactions are views into it, and it lives until
// the last of them has its outcome. Everything here belongs to the loop thread: references are
// counted without atomics, and other threads see only the bytes, through parcels that the loop
// gets back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "txindex/limits.h"

#include "flow/gate.h"

namespace txindex::flow {

class ChunkPool;

// How much somebody holds in chunks. Outlives them.
struct Holding {
  std::size_t bytes = 0;
};

class Chunk {
 public:
  std::span<std::uint8_t> bytes() { return {data_.get(), capacity_}; }
  std::size_t capacity() const { return capacity_; }

 private:
  friend class ChunkPool;
  friend class ChunkRef;
  Chunk(ChunkPool* pool, std::size_t capacity)
      : pool_(pool), capacity_(capacity), data_(new std::uint8_t[capacity]) {}

  ChunkPool* pool_;
  std::size_t capacity_;
  std::unique_ptr<std::uint8_t[]> data_;
  Holding* holding_ = nullptr;
  std::uint32_t references_ = 0;
};

class ChunkRef {
 public:
  ChunkRef() = default;
  ChunkRef(const ChunkRef& other) : chunk_(other.chunk_) {
    if (chunk_) ++chunk_->references_;
  }
  ChunkRef(ChunkRef&& other) noexcept : chunk_(std::exchange(other.chunk_, nullptr)) {}
  ChunkRef& operator=(ChunkRef other) noexcept {
    std::swap(chunk_, other.chunk_);
    return *this;
  }
  ~ChunkRef() { reset(); }

  void reset();
  Chunk* operator->() const { return chunk_; }
  explicit operator bool() const { return chunk_ != nullptr; }
  // Nobody but this reference: its bytes may be overwritten.
  bool unique() const { return chunk_ && chunk_->references_ == 1; }

 private:
  friend class ChunkPool;
  explicit ChunkRef(Chunk* chunk) : chunk_(chunk) { ++chunk_->references_; }
  Chunk* chunk_ = nullptr;
};

// Hands out chunks against credit of the gate, and keeps a few that came back. Must outlive them.
class ChunkPool {
 public:
  explicit ChunkPool(Gate& gate) : gate_(gate) {}
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  // Empty when there is no credit for it, unless `overdraw`. Until it comes back it is counted in
  // `holding`, if there is one.
  ChunkRef get(std::size_t capacity, bool overdraw, Holding* holding = nullptr);
  std::size_t outstanding() const { return outstanding_; }

 private:
  friend class ChunkRef;
  void put(Chunk* chunk);
  std::vector<std::unique_ptr<Chunk>>* free_list(std::size_t capacity);

  Gate& gate_;
  std::size_t outstanding_ = 0;
  std::vector<std::unique_ptr<Chunk>> free_small_;
  std::vector<std::unique_ptr<Chunk>> free_large_;
};

}  // namespace txindex::flow
