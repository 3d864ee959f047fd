// The table of all settings: one entry gives a setting's key in the file, its flag, its variable in
// the environment, its bounds, its help and its place in Config.
//
//   key index.level  =>  flag --index-level, variable TXINDEXD_INDEX_LEVEL
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "txindex/result.h"

#include "config/config.h"

namespace txindex::config {

inline constexpr std::string_view kEnvironmentPrefix = "TXINDEXD_";

struct Setting {
  std::string_view key;
  std::string_view group;        // heading in the help and in --print-config
  std::string_view placeholder;  // of the value, in the help
  std::string help;
  std::string allowed;     // what a value may be; empty: anything
  std::string_view units;  // in which it may be written; empty: none

  // Sets the value, or leaves the Config alone and says in the failure what is wrong and what is
  // allowed; the key is not in the message.
  std::function<result<void>(Config&, std::string_view)> read;
  // The value as read() takes it.
  std::function<std::string(const Config&)> write;

  std::string flag() const;         // "--index-level"
  std::string environment() const;  // "TXINDEXD_INDEX_LEVEL"
};

const std::vector<Setting>& settings();

// Breaks text into lines of at most `columns`, each of which begins with `indent`.
std::string wrapped(std::string_view text, std::string_view indent, std::size_t columns);

// Null if there is none.
const Setting* find_setting(std::string_view key);

// The key that a mistyped one is nearest to, empty if none is near.
std::string_view nearest_key(std::string_view mistyped);

// Every setting with its value and its help, in the syntax of the file: reading it gives the same
// Config. It holds the password if `database` does.
std::string print(const Config& config);

}  // namespace txindex::config
