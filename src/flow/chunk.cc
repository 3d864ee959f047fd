#include "flow/chunk.h"

#include <cstdlib>

#include "log/log.h"

namespace txindex::flow {
namespace {

// Kept for use again: enough for a busy worker's turn-over, little beside its budget.
constexpr std::size_t kFreeChunksMax = 64;

}  // namespace

void ChunkRef::reset() {
  Chunk* chunk = std::exchange(chunk_, nullptr);
  if (chunk && --chunk->references_ == 0) chunk->pool_->put(chunk);
}

ChunkPool::~ChunkPool() {
  if (outstanding_ == 0) return;
  log::critical("flow: {} receive chunks outlive their pool", outstanding_);
  std::abort();
}

std::vector<std::unique_ptr<Chunk>>* ChunkPool::free_list(std::size_t capacity) {
  if (capacity == limits::kSmallChunkBytes) return &free_small_;
  if (capacity == limits::kLargeChunkBytes) return &free_large_;
  return nullptr;
}

ChunkRef ChunkPool::get(std::size_t capacity, bool overdraw, Holding* holding) {
  if (!gate_.try_take(capacity)) {
    if (!overdraw) return {};
    gate_.overdraw(capacity);
  }
  ++outstanding_;
  std::unique_ptr<Chunk> chunk;
  auto* free = free_list(capacity);
  if (free && !free->empty()) {
    chunk = std::move(free->back());
    free->pop_back();
  } else {
    chunk.reset(new Chunk(this, capacity));
  }
  chunk->holding_ = holding;
  if (holding) holding->bytes += capacity;
  return ChunkRef(chunk.release());
}

void ChunkPool::put(Chunk* chunk) {
  std::unique_ptr<Chunk> owned(chunk);
  const std::size_t capacity = chunk->capacity_;
  --outstanding_;
  if (chunk->holding_) chunk->holding_->bytes -= capacity;
  auto* free = free_list(capacity);
  if (free && free->size() < kFreeChunksMax) free->push_back(std::move(owned));
  gate_.give_back(capacity);
}

}  // namespace txindex::flow
