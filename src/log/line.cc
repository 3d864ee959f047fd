#include "log/line.h"

#include <spdlog/fmt/fmt.h>
#include <time.h>

#include <array>
#include <cmath>

namespace txindex::log {
namespace {

constexpr std::array<std::string_view, 7> kNames = {"trace", "debug",    "info", "warning",
                                                    "error", "critical", "off"};
// syslog's, as sd-daemon(3) takes them: critical, error, warning, informational, debug.
constexpr std::array<char, 7> kPriorities = {'7', '7', '6', '4', '3', '2', '7'};

constexpr std::string_view kEllipsis = "\u2026";

// One character of UTF-8.
struct Character {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

// The character at the front of `rest`, which is not empty. Of what is no UTF-8: one byte.
Character decode(std::string_view rest) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t bytes = first >= 0xf0 ? 4 : (first >= 0xe0 ? 3 : 2);
  if (first < 0xc2 || first > 0xf4 || rest.size() < bytes) return {};
  char32_t code = first & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kLowest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kLowest[bytes] || code > 0x10ffff || surrogate) return {};
  return {code, bytes, true};
}

// Control characters of both sets, and what ends lines or turns the direction of writing.
bool hidden(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
         (code >= 0x200e && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0x61c || code == 0xfeff;
}

// Appends what `escape` makes of each character, and no more than max_bytes in all.
template <typename Escape>
void append(std::string& out, std::string_view bytes, std::size_t max_bytes, Escape escape) {
  const std::size_t end = out.size() + max_bytes;
  std::size_t cut = out.size();  // where the ellipsis would still fit
  while (!bytes.empty()) {
    const Character character = decode(bytes);
    escape(out, character, bytes.substr(0, character.bytes));
    if (out.size() > end) {
      out.resize(cut);
      out += kEllipsis;
      return;
    }
    if (out.size() + kEllipsis.size() <= end) cut = out.size();
    bytes.remove_prefix(character.bytes);
  }
}

void escape_for_text(std::string& out, const Character& character, std::string_view bytes) {
  if (!character.valid) {
    out += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[0]));
  } else if (character.code == '\n') {
    out += "\\n";
  } else if (hidden(character.code)) {
    const auto code = static_cast<std::uint32_t>(character.code);
    out += code < 0x80 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{{{:x}}}", code);
  } else {
    out += bytes;
  }
}

void escape_for_quotation(std::string& out, const Character& character, std::string_view bytes) {
  if (bytes == "\"" || bytes == "\\") out += '\\';
  escape_for_text(out, character, bytes);
}

void escape_for_json(std::string& out, const Character& character, std::string_view bytes) {
  if (!character.valid) {
    out += "\ufffd";
  } else if (bytes == "\"" || bytes == "\\") {
    out += '\\';
    out += bytes;
  } else if (hidden(character.code)) {
    out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(character.code));
  } else {
    out += bytes;
  }
}

bool is_plain_word(std::string_view bytes) {
  if (bytes.empty()) return false;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7f || c == '"' || c == '=' || c == '\\') return false;
  }
  return true;
}

// 2026-11-21T10:00:00.000+00:00, in local time.
std::string written(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  const auto since_epoch = floor<milliseconds>(time.time_since_epoch());
  const auto seconds = floor<std::chrono::seconds>(since_epoch);
  const std::time_t whole = seconds.count();
  std::tm local{};
  localtime_r(&whole, &local);
  const long offset = std::abs(local.tm_gmtoff) / 60;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{}{:02}:{:02}", local.tm_year + 1900,
                     local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
                     (since_epoch - seconds).count(), local.tm_gmtoff < 0 ? '-' : '+', offset / 60,
                     offset % 60);
}

std::string value_of(const Field& field, Format format) {
  return std::visit(
      [format](const auto& value) -> std::string {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::string_view>) {
          return format == Format::json ? json_string(value, kValueMaxBytes) : escaped_value(value);
        } else if constexpr (std::is_same_v<T, double>) {
          if (format == Format::json && !std::isfinite(value)) return "null";
          return fmt::format("{}", value);
        } else {
          return std::to_string(value);
        }
      },
      field.value);
}

}  // namespace

std::string escaped_text(std::string_view bytes, std::size_t max_bytes) {
  std::string out;
  append(out, bytes, max_bytes, escape_for_text);
  return out;
}

std::string escaped_value(std::string_view bytes, std::size_t max_bytes) {
  if (is_plain_word(bytes)) return escaped_text(bytes, max_bytes);
  std::string out = "\"";
  append(out, bytes, max_bytes - 2, escape_for_quotation);
  return out + "\"";
}

std::string json_string(std::string_view bytes, std::size_t max_bytes) {
  std::string out = "\"";
  append(out, bytes, max_bytes - 2, escape_for_json);
  return out + "\"";
}

std::string format_line(const Line& line, Format format, bool for_journal) {
  const auto level = static_cast<std::size_t>(line.level);
  constexpr std::size_t kProcessMaxBytes = 64;
  std::string out;
  if (for_journal) out += fmt::format("<{}>", kPriorities[level]);
  if (format == Format::json) {
    out += '{';
    if (!for_journal) out += "\"time\":\"" + written(line.time) + "\",";
    out += fmt::format("\"level\":\"{}\",\"process\":{},\"pid\":{},\"message\":{}", kNames[level],
                       json_string(line.process, kProcessMaxBytes), line.pid,
                       json_string(line.message));
  } else {
    if (!for_journal) out += written(line.time) + " ";
    out += fmt::format("{} [{} {}] {}", kNames[level], escaped_text(line.process, kProcessMaxBytes),
                       line.pid, escaped_text(line.message));
  }
  const std::string_view end = format == Format::json ? "}\n" : "\n";
  for (const Field& field : line.fields) {
    const std::string value = value_of(field, format);
    const std::string member = format == Format::json
                                   ? "," + json_string(field.key, kValueMaxBytes) + ":" + value
                                   : " " + std::string(field.key) + "=" + value;
    if (out.size() + member.size() + end.size() <= kLineMaxBytes) out += member;
  }
  return out.append(end);
}

}  // namespace txindex::log
