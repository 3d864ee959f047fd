// What the files that declare commands share (main.cc, operator_commands.cc).
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>

#include "txindex/endpoint.h"
#include "txindex/result.h"

namespace txindex::tools {

inline constexpr int kExitSuccess = 0;

// What the command that was typed leaves behind for main() to run; returns the exit status.
using Command = std::function<int()>;

inline int tell(const Failure& f) {
  std::fprintf(stderr, "txindex: %s\n", f.message.c_str());
  return f.exit_status;
}

inline int status_of(const result<void>& done) {
  return done ? kExitSuccess : tell(done.error());
}
inline int status_of(const result<bool>& done) {
  if (!done) return tell(done.error());
  return *done ? kExitSuccess : kExitFailure;
}
inline int status_of(const result<int>& done) {
  return done ? *done : tell(done.error());
}

// For CLI11: why `text` is no address to connect to; empty: it is one.
inline std::string endpoint_problem(const std::string& text) {
  const auto parsed = parse_endpoint(text);
  if (!parsed) return parsed.error().message;
  return parsed->port == 0 ? "port 0 is no port to connect to" : "";
}

// A check for CLI11, which would take -1, and what is too large, for the largest number.
inline auto whole_number(std::uint64_t most) {
  return [most](const std::string& text) -> std::string {
    std::uint64_t number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, problem] = std::from_chars(text.data(), last, number);
    if (problem == std::errc() && end == last && number <= most) return "";
    return "'" + text + "' is not a whole number from 0 to " + std::to_string(most);
  };
}

inline std::chrono::milliseconds from_seconds(double seconds) {
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

inline constexpr double kMostSeconds = 365.0 * 86400;

// operator_commands.cc: status, top, restart.
void add_operator_commands(CLI::App& app, Command& chosen);

}  // namespace txindex::tools
