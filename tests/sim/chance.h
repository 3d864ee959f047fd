// Every decision of a schedule, from its seed; and what it did, as a fingerprint and, if wanted, as
// text. The same seed makes the same decisions: nothing here, and nothing that is decided by it,
// looks at a clock, an address or the order of a hash table.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string_view>

namespace txindex::sim {

class Chance {
 public:
  Chance(std::uint64_t seed, bool print) : state_(seed), print_(print) {}

  // At least 0 and less than `bound`.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  bool percent(unsigned chance) { return below(100) < chance; }

  // Something that happened, to whom, and how much of it.
  void note(std::string_view what, std::uint64_t who = 0, std::uint64_t amount = 0) {
    ++notes_;
    for (const char c : what)
      mix(static_cast<std::uint8_t>(c));
    mix(who);
    mix(amount);
    if (print_) {
      std::fprintf(stderr, "%5llu  %.*s %llu: %llu\n", static_cast<unsigned long long>(notes_),
                   static_cast<int>(what.size()), what.data(), static_cast<unsigned long long>(who),
                   static_cast<unsigned long long>(amount));
    }
  }
  std::uint64_t fingerprint() const { return fingerprint_; }

 private:
  // SplitMix64.
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  void mix(std::uint64_t value) { fingerprint_ = (fingerprint_ ^ value) * 0x100000001b3; }

  std::uint64_t state_;
  std::uint64_t fingerprint_ = 0xcbf29ce484222325;
  std::uint64_t notes_ = 0;
  bool print_;
};

// A promise was broken: says which, by which seed, and aborts.
[[noreturn]] void broken(const char* promise, std::uint64_t who = 0);
inline void check(bool kept, const char* promise, std::uint64_t who = 0) {
  if (!kept) broken(promise, who);
}

}  // namespace txindex::sim
