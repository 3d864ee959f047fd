// Randomness that can be had again: the seed is printed with every failure in its scope, and
// TXINDEX_TEST_SEED sets it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace txindex::test {

inline std::uint64_t fresh_seed() {
  const char* set = std::getenv("TXINDEX_TEST_SEED");
  return set ? std::strtoull(set, nullptr, 10) : std::random_device{}();
}

class Random {
 public:
  explicit Random(std::uint64_t seed = fresh_seed())
      : engine_(seed), trace_(__FILE__, __LINE__, "TXINDEX_TEST_SEED=" + std::to_string(seed)) {}

  // At least 0 and less than `bound`.
  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(engine_);
  }
  bool coin() { return below(2) == 0; }
  std::vector<std::uint8_t> bytes(std::size_t n) {
    std::vector<std::uint8_t> out(n);
    for (auto& byte : out)
      byte = static_cast<std::uint8_t>(below(256));
    return out;
  }
  std::mt19937_64& engine() { return engine_; }

 private:
  std::mt19937_64 engine_;
  testing::ScopedTrace trace_;
};

}  // namespace txindex::test
