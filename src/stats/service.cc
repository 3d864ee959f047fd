#include "stats/service.h"

#include <algorithm>
#include <cstring>

namespace txindex::stats {
namespace {

constexpr std::size_t kTextMaxBytes = sizeof(Text::data);
// Writing takes less than a microsecond: somebody who has not finished by then never will.
constexpr int kReadsMax = 1000;

// Whether `out` is the text as its writer left it, and not a mixture of two.
bool read_once(const Text& text, std::string& out) {
  const auto before = text.sequence.load(std::memory_order_acquire);
  if (before % 2 != 0) return false;
  const auto bytes =
      std::min<std::uint64_t>(text.bytes.load(std::memory_order_relaxed), kTextMaxBytes);
  std::array<std::uint64_t, std::tuple_size_v<decltype(Text::data)>> copy;
  for (std::size_t i = 0; i < copy.size(); ++i)
    copy[i] = text.data[i].load(std::memory_order_acquire);
  out.resize(bytes);
  std::memcpy(out.data(), copy.data(), bytes);
  return text.sequence.load(std::memory_order_relaxed) == before;
}

}  // namespace

void set(Service& service, ServiceWord word, std::uint64_t value) {
  service.words[static_cast<std::size_t>(word)].store(value, std::memory_order_relaxed);
}

void set(Service& service, ServiceText which, std::string_view value) {
  Text& text = service.texts[static_cast<std::size_t>(which)];
  const std::size_t bytes = std::min(value.size(), kTextMaxBytes);
  std::array<std::uint64_t, std::tuple_size_v<decltype(Text::data)>> copy{};
  std::memcpy(copy.data(), value.data(), bytes);
  // Odd from whatever it was: a supervisor that died in here has left it odd.
  const auto odd = text.sequence.load(std::memory_order_relaxed) | 1;
  text.sequence.store(odd, std::memory_order_relaxed);
  text.bytes.store(bytes, std::memory_order_release);
  for (std::size_t i = 0; i < copy.size(); ++i)
    text.data[i].store(copy[i], std::memory_order_release);
  text.sequence.store(odd + 1, std::memory_order_release);
}

ServiceSnapshot take_snapshot(const Service& service) {
  ServiceSnapshot copy;
  for (std::size_t i = 0; i < copy.words.size(); ++i)
    copy.words[i] = service.words[i].load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < copy.texts.size(); ++i) {
    int reads = 0;
    while (!read_once(service.texts[i], copy.texts[i])) {
      if (++reads < kReadsMax) continue;
      copy.texts[i].clear();
      break;
    }
  }
  return copy;
}

}  // namespace txindex::stats
