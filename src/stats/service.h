// What the supervisor publishes of the service as a whole: writing and reading it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "txindex/stats_layout.h"

namespace txindex::stats {

// One writer: the supervisor.
void set(Service& service, ServiceWord word, std::uint64_t value);
// Cut off at what a Text holds.
void set(Service& service, ServiceText text, std::string_view value);

struct ServiceSnapshot {
  std::array<std::uint64_t, kServiceWords.size()> words{};
  std::array<std::string, kServiceTexts> texts;

  std::uint64_t operator[](ServiceWord w) const { return words[static_cast<std::size_t>(w)]; }
  const std::string& operator[](ServiceText t) const { return texts[static_cast<std::size_t>(t)]; }
};

// Any thread, any process. Every word and every text is whole; all of them not of one instant. A
// text that its writer left half-written, because it died, is empty.
ServiceSnapshot take_snapshot(const Service& service);

}  // namespace txindex::stats
