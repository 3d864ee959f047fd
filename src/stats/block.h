// Writing one's own block of the shared statistics: plain relaxed atomics, a few nanoseconds.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

#include "txindex/stats_layout.h"

namespace txindex::stats {

inline std::atomic<std::uint64_t>& word(Block& block, Word w) {
  return block.words[static_cast<std::size_t>(w)];
}

inline void add(Block& block, Word w, std::uint64_t n = 1) {
  word(block, w).fetch_add(n, std::memory_order_relaxed);
}

inline void subtract(Block& block, Word w, std::uint64_t n = 1) {
  word(block, w).fetch_sub(n, std::memory_order_relaxed);
}

inline void set(Block& block, Word w, std::uint64_t value) {
  word(block, w).store(value, std::memory_order_relaxed);
}

inline std::uint64_t get(const Block& block, Word w) {
  return block.words[static_cast<std::size_t>(w)].load(std::memory_order_relaxed);
}

inline void raise(Block& block, Word w, std::uint64_t value) {
  auto& at = word(block, w);
  std::uint64_t seen = at.load(std::memory_order_relaxed);
  while (seen < value && !at.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

// The histogram bucket of a duration: 4 for each power of two.
constexpr std::size_t bucket_of(std::uint64_t us) {
  if (us < 4) return static_cast<std::size_t>(us);
  const auto high = static_cast<unsigned>(std::bit_width(us)) - 1;
  const std::size_t index = (high - std::size_t{1}) * 4 + ((us >> (high - 2)) & 3);
  return index < kHistogramBuckets ? index : kHistogramBuckets - 1;
}

// The smallest duration, in microseconds, that falls into a bucket.
constexpr std::uint64_t bucket_floor(std::size_t bucket) {
  if (bucket < 4) return bucket;
  const auto high = static_cast<unsigned>(bucket / 4 + 1);
  return (4ULL + bucket % 4) << (high - 2);
}

inline std::atomic<std::uint64_t>* timing_words(Block& block, Timing t) {
  return block.words.data() + kWords.size() + static_cast<std::size_t>(t) * kTimingWords;
}

inline void record(Block& block, Timing t, std::uint64_t us, std::uint64_t count = 1) {
  auto* words = timing_words(block, t);
  words[0].fetch_add(us * count, std::memory_order_relaxed);
  words[1 + bucket_of(us)].fetch_add(count, std::memory_order_relaxed);
}

}  // namespace txindex::stats
