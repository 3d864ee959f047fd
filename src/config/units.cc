#include "config/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace txindex::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Each list begins with the unit of a plain number. The formatters use the largest that fits.
constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::array kDurations = {
    Unit{"s", kSecond},        Unit{"us", 1},
    Unit{"ms", 1'000},         Unit{"min", 60 * kSecond},
    Unit{"h", 3600 * kSecond}, Unit{"d", 86400 * kSecond},
};
constexpr std::array kSizes = {
    Unit{"B", 1},      Unit{"KiB", 1ULL << 10}, Unit{"MiB", 1ULL << 20},   Unit{"GiB", 1ULL << 30},
    Unit{"KB", 1'000}, Unit{"MB", 1'000'000},   Unit{"GB", 1'000'000'000},
};
constexpr std::size_t kBinarySizes = 4;  // the leading ones, in which sizes are written

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// number x factor, in integers throughout: "0.1s" is 100000 us and not a rounding of it.
std::optional<std::uint64_t> scaled(std::string_view number, std::uint64_t factor) {
  const auto point = number.find('.');
  if (!is_number(number.substr(0, point))) return std::nullopt;
  std::string digits(number);
  std::uint64_t divisor = 1;
  if (point != std::string_view::npos) {
    if (!is_number(number.substr(point + 1))) return std::nullopt;
    while (digits.back() == '0')
      digits.pop_back();
    for (std::size_t i = point + 1; i < digits.size(); ++i) {
      if (__builtin_mul_overflow(divisor, std::uint64_t{10}, &divisor)) return std::nullopt;
    }
    digits.erase(point, 1);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (__builtin_mul_overflow(value, factor, &value) || value % divisor != 0) return std::nullopt;
  return value / divisor;
}

std::optional<std::uint64_t> parse(std::string_view text, std::span<const Unit> units) {
  std::size_t end = 0;
  while (end < text.size() && (is_digit(text[end]) || text[end] == '.'))
    ++end;
  const auto number = text.substr(0, end);
  auto suffix = text.substr(end);
  if (suffix.empty()) return scaled(number, units.front().factor);
  while (!suffix.empty() && suffix.front() == ' ')
    suffix.remove_prefix(1);
  for (const auto& unit : units) {
    if (same(suffix, unit.name)) return scaled(number, unit.factor);
  }
  return std::nullopt;
}

std::string format(std::uint64_t value, std::span<const Unit> units) {
  const Unit* best = &units.front();  // of nothing, and of what no larger unit divides
  for (const auto& unit : units) {
    if (value != 0 && value % unit.factor == 0 &&
        (value % best->factor != 0 || unit.factor > best->factor))
      best = &unit;
  }
  return std::to_string(value / best->factor) + std::string(best->name);
}

}  // namespace

std::optional<std::chrono::microseconds> parse_duration(std::string_view text) {
  const auto value = parse(text, kDurations);
  if (!value || *value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  return std::chrono::microseconds(*value);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse(text, kSizes);
}

std::string format_duration(std::chrono::microseconds value) {
  return format(static_cast<std::uint64_t>(value.count()), kDurations);
}

std::string format_size(std::uint64_t bytes) {
  return format(bytes, std::span(kSizes).first(kBinarySizes));
}

}  // namespace txindex::config
