// Signatures that are known to be good or bad, for asking an implementation at start whether it
// keeps the chains' rule.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "verify/ed25519/kernel.h"

namespace txindex::verify {

class SelfTest {
 public:
  SelfTest();
  SelfTest(const SelfTest&) = delete;
  SelfTest& operator=(const SelfTest&) = delete;

  // They point into this.
  std::span<const ed25519::Triple> triples() const { return triples_; }
  bool is_valid(std::size_t i) const { return cases_[i].valid; }
  std::string_view what(std::size_t i) const { return cases_[i].what; }

 private:
  struct Case {
    std::array<std::uint8_t, 32> key;
    std::array<std::uint8_t, 64> signature;
    std::vector<std::uint8_t> message;
    bool valid;
    std::string_view what;
  };

  std::vector<Case> cases_;
  std::vector<ed25519::Triple> triples_;
};

}  // namespace txindex::verify
