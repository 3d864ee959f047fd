#include "stats/tokens.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace txindex::stats {
namespace {

// FNV-1a, never 0. The names are the operator's, so nobody makes two that collide.
std::uint64_t key_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash == 0 ? 1 : hash;
}

}  // namespace

// Everybody looks through the entries in the same order and takes the first that is free, so a name
// cannot have two.
TokenEntry* find_token(TokenTable& table, std::string_view name) {
  assert(!name.empty() && name.size() <= kTokenNameMaxBytes);
  const std::uint64_t key = key_of(name);
  for (auto& entry : table.entries) {
    std::uint64_t seen = 0;
    if (!entry.key.compare_exchange_strong(seen, key) && seen != key) continue;
    // Who claimed it may have died before it wrote the name. All who write, write the same.
    std::array<std::uint64_t, std::tuple_size_v<decltype(entry.name)>> words{};
    std::memcpy(words.data(), name.data(), name.size());
    for (std::size_t i = 0; i < words.size(); ++i)
      entry.name[i].store(words[i], std::memory_order_relaxed);
    entry.name_bytes.store(name.size(), std::memory_order_release);
    return &entry;
  }
  return nullptr;
}

std::vector<TokenSnapshot> take_snapshot(const TokenTable& table) {
  std::vector<TokenSnapshot> all;
  for (const auto& entry : table.entries) {
    const auto bytes = std::min<std::uint64_t>(entry.name_bytes.load(std::memory_order_acquire),
                                               kTokenNameMaxBytes);
    if (bytes == 0) continue;  // free, or being claimed
    std::array<std::uint64_t, std::tuple_size_v<decltype(entry.name)>> words{};
    for (std::size_t i = 0; i < words.size(); ++i)
      words[i] = entry.name[i].load(std::memory_order_relaxed);
    const auto read = [](const auto& word) { return word.load(std::memory_order_relaxed); };
    all.push_back({std::string(reinterpret_cast<const char*>(words.data()), bytes),
                   read(entry.connections), read(entry.received), read(entry.rejected),
                   read(entry.slowed)});
  }
  return all;
}

}  // namespace txindex::stats
