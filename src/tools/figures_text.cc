#include "tools/figures_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "tools/output.h"

namespace txindex::tools {
namespace {

template <typename... Values>
std::string formatted(const char* format, Values... values) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

// Three digits that count: 1.23, 12.3, 123. What rounds up to the next width gets that width.
std::string three_digits(double n) {
  if (n < 9.995) return formatted("%.2f", n);
  if (n < 99.95) return formatted("%.1f", n);
  return formatted("%.0f", n);
}

struct Scaled {
  double value;
  const char* prefix;
};
// By powers of 1000, so that at most 999 stands before the point.
Scaled scaled(double n) {
  constexpr std::array<const char*, 7> kPrefixes = {"", "k", "M", "G", "T", "P", "E"};
  std::size_t i = 0;
  for (; n >= 999.5 && i + 1 < kPrefixes.size(); ++i)
    n /= 1000;
  return {n, kPrefixes[i]};
}

}  // namespace

std::string short_count(double n) {
  n = std::clamp(n, 0.0, 1e20);
  if (n < 9.95 && n != std::floor(n)) return formatted("%.1f", n);
  if (n < 9999.5) return grouped(static_cast<std::uint64_t>(std::llround(n)));
  const auto [value, prefix] = scaled(n);
  return three_digits(value) + prefix;
}

std::string byte_count(double bytes) {
  bytes = std::clamp(bytes, 0.0, 1e20);
  const auto [value, prefix] = scaled(bytes);
  return (*prefix == '\0' ? formatted("%.0f", value) : three_digits(value)) + " " + prefix + "B";
}

std::string duration(std::optional<double> us) {
  if (!us) return "-";
  if (*us < 999.5) return formatted("%.0f us", *us);
  if (*us < 999.5e3) return three_digits(*us / 1e3) + " ms";
  return three_digits(std::min(*us, 99999e6) / 1e6) + " s";
}

std::string uptime(double seconds) {
  const auto s = static_cast<unsigned long long>(std::clamp(seconds, 0.0, 1e15));
  const std::string clock = formatted("%02llu:%02llu:%02llu", s / 3600 % 24, s / 60 % 60, s % 60);
  return s < 86400 ? clock : std::to_string(s / 86400) + "d " + clock;
}

std::string percent(double share) {
  return formatted("%.0f%%", std::clamp(share, 0.0, 9.99) * 100);
}

}  // namespace txindex::tools
