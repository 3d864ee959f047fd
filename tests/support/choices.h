// Choices that something else makes: a random engine, or a fuzzer's bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace txindex::test {

class Choices {
 public:
  virtual ~Choices() = default;
  // Less than `bound`, which is at most 65,536.
  virtual std::size_t below(std::size_t bound) = 0;
  virtual void fill(std::span<std::uint8_t> bytes) = 0;
};

// The same ones from the same seed, by whatever compiler.
class SeededChoices final : public Choices {
 public:
  explicit SeededChoices(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t bound) override { return (engine_() >> 32) * bound >> 32; }
  void fill(std::span<std::uint8_t> bytes) override {
    while (!bytes.empty()) {
      std::uint64_t word = engine_();
      const std::size_t count = std::min<std::size_t>(8, bytes.size());
      for (std::size_t i = 0; i < count; ++i, word >>= 8)
        bytes[i] = static_cast<std::uint8_t>(word);
      bytes = bytes.subspan(count);
    }
  }

 private:
  std::mt19937_64 engine_;
};

template <class T>
const T& one_of(const std::vector<T>& all, Choices& choices) {
  return all[choices.below(all.size())];
}

inline std::vector<std::uint8_t> bytes(Choices& choices, std::size_t count) {
  std::vector<std::uint8_t> result(count);
  choices.fill(result);
  return result;
}

}  // namespace txindex::test
