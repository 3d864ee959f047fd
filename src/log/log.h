// The one logger of a process: initialise() once, before any thread; then usable from every thread.
//
// An event is one line (line.h says how it looks), on standard error or in a file that the
// processes of one server share. Two ways to say one:
//
//   log::info("made {} tables", made);                        a sentence
//   log::event(log::Level::warning, "connection failed",      the same words each time, and what
//              {{"peer", peer}, {"reason", reason}});         differs by name: for machines, too
//
// Of messages from `info` on, those with the same format or the same words are one kind; of a kind
// 20 are written in ten seconds, and of the rest how many there were (limiter.h): `repeated=731
// seconds=10`. So whatever a peer or an outage can cause may simply be logged.
//
// Never logged: a transaction's bytes, a password, a connection string.
#pragma once

#include <spdlog/spdlog.h>

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "txindex/result.h"

#include "log/line.h"

namespace txindex::log {

struct Options {
  std::string level = "info";  // trace, debug, info, warn, error, critical or off
  std::string file = {};       // empty: standard error
  Format format = Format::text;
};

// `process` names the process in each line: "supervisor", "worker 0", "migrate". kExitConfiguration
// when the level is none or the file cannot be opened.
result<void> initialise(const Options& options, const std::string& process);

// Whether this user could open the file, which is not made: kExitConfiguration. Empty: standard
// error.
result<void> check_file(const std::string& path);

// Opens the file anew, after it was renamed. If that cannot be done, says so in the old one, which
// stays in use, and returns false.
bool reopen();

// For a process that can no longer open it, from one that can: descriptor() is from then on another
// descriptor's file, which is taken over. -1 and an empty path: that one's is standard error. Of a
// file other than `path` it is tried here, which a sandbox does not allow.
void reopen(int fd, const std::string& path);
// Opens the file for such a process: with a position and flags of its own. -1 for standard error,
// and when it cannot be opened, which is logged. The caller closes it.
int open_again();
const std::string& file();  // empty: standard error
// The number that it has for good.
int descriptor();

// Writes how many messages were left out in intervals that are over. To be called every second or
// so; every message that is written does it too.
void tend();

// The same of all intervals. To be called before the process ends.
void finish();

void event(Level level, std::string_view text, std::span<const Field> fields);
inline void event(Level level, std::string_view text, std::initializer_list<Field> fields) {
  event(level, text, std::span(fields.begin(), fields.size()));
}

namespace detail {
void write(Level level, fmt::string_view format, fmt::format_args arguments);
}

template <typename... T>
void write(Level level, fmt::format_string<T...> format, T&&... arguments) {
  detail::write(level, format, fmt::make_format_args(arguments...));
}
template <typename... T>
void debug(fmt::format_string<T...> format, T&&... arguments) {
  detail::write(Level::debug, format, fmt::make_format_args(arguments...));
}
template <typename... T>
void info(fmt::format_string<T...> format, T&&... arguments) {
  detail::write(Level::info, format, fmt::make_format_args(arguments...));
}
template <typename... T>
void warn(fmt::format_string<T...> format, T&&... arguments) {
  detail::write(Level::warning, format, fmt::make_format_args(arguments...));
}
template <typename... T>
void error(fmt::format_string<T...> format, T&&... arguments) {
  detail::write(Level::error, format, fmt::make_format_args(arguments...));
}
template <typename... T>
void critical(fmt::format_string<T...> format, T&&... arguments) {
  detail::write(Level::critical, format, fmt::make_format_args(arguments...));
}

}  // namespace txindex::log
