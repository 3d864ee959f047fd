// How one event becomes one line. Pure: the logger (log.h) adds the clock, the limit and the file.
//
//   text   2026-11-21T10:00:00.000+00:00 warning [worker 0 4711] connection failed peer=192.0.2.1:5
//   json   {"time":"...","level":"warning","process":"worker 0","pid":4711,
//           "message":"connection failed","peer":"192.0.2.1:5"}           (on one line)
//
// For the journal the line begins with its priority, <4> for a warning, and has no time.
//
// Whatever bytes the message and the values hold, the line is valid UTF-8, has no control character
// and ends at its only end of line: nobody can forge a line, or speak to the terminal that shows
// it.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace txindex::log {

// The numbers are spdlog's.
enum class Level : std::uint8_t { trace, debug, info, warning, error, critical, off };

enum class Format : std::uint8_t { text, json };

// A name and its value; both must outlive the call that they are given to. Names are our own:
// lower case, other than time, level, process, pid and message.
struct Field {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, std::uint64_t, double> value;

  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  template <std::integral T>
  Field(std::string_view name, T number) : key(name) {
    if constexpr (std::is_signed_v<T>) {
      value = static_cast<std::int64_t>(number);
    } else {
      value = static_cast<std::uint64_t>(number);
    }
  }
  Field(std::string_view name, double number) : key(name), value(number) {}
};

struct Line {
  std::chrono::system_clock::time_point time;
  Level level = Level::info;
  std::string_view process;
  int pid = 0;
  std::string_view message;
  std::span<const Field> fields = {};
};

// Longer ones are cut off, so that a line never exceeds kLineMaxBytes: that many the kernel writes
// to a pipe in one piece (PIPE_BUF), whoever else writes to it. Fields that would not fit are left
// out.
inline constexpr std::size_t kLineMaxBytes = 4096;
inline constexpr std::size_t kMessageMaxBytes = 2048;
inline constexpr std::size_t kValueMaxBytes = 512;

// With its end of line.
std::string format_line(const Line& line, Format format, bool for_journal);

// Any bytes as part of a line of text: what is not to be shown as it is becomes \n, \x1b or
// \u{202e}; bytes that are no UTF-8 become \xff. Beyond `max_bytes` of output it ends with an
// ellipsis.
std::string escaped_text(std::string_view bytes, std::size_t max_bytes = kMessageMaxBytes);
// The same as a value behind `key=`: as it is if it is one plain word, else in quotation marks,
// with those and backslashes escaped.
std::string escaped_value(std::string_view bytes, std::size_t max_bytes = kValueMaxBytes);
// Any bytes as a JSON string, with its quotation marks. What is no UTF-8 becomes U+FFFD.
std::string json_string(std::string_view bytes, std::size_t max_bytes = kMessageMaxBytes);

}  // namespace txindex::log
