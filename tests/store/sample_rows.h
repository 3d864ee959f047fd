// Transactions for the store's tests: random bytes of the right shapes. The store never looks at a
// signature, so these need none that verifies.
#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "store/store.h"

namespace txindex::test {

// 2026-11-21 10:30 UTC: in the middle of a partition of one hour.
inline constexpr std::int64_t kMiddle = 1'795'257'000'000'000;
inline constexpr std::int64_t kMinute = 60'000'000;

struct Shape {
  std::size_t raw_bytes = 250;
  std::size_t accounts = 3;
  std::size_t instructions = 1;
  std::size_t lookups = 0;
};

// Owns what the rows point to. Rows may be copied, and sent by many stores at once.
class SampleRows {
 public:
  explicit SampleRows(std::uint32_t seed) : random_(seed) {}

  // A new transaction stamped `time_us`.
  store::Row make(std::int64_t time_us = kMiddle, const Shape& shape = {});
  std::vector<store::Row> make_many(std::size_t count, std::int64_t time_us = kMiddle,
                                    const Shape& shape = {});

 private:
  Bytes bytes(std::size_t count);

  std::mt19937 random_;
  std::deque<std::vector<std::uint8_t>> memory_;
  std::deque<chain::TransactionTable> tables_;
};

// The same transaction under another stamp.
store::Row stamped(store::Row row, std::int64_t time_us);

}  // namespace txindex::test
