// The one logger of a process. Set up once, before any thread; then usable from every thread.
//
// Lines go to standard error (or a file), each written whole, so that the processes of one server
// can share it: time, level, process name and id, text.
#pragma once

#include <spdlog/spdlog.h>

#include <string>

#include "txindex/result.h"

namespace txindex::log {

using spdlog::critical;
using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

struct Options {
  std::string level = "info";  // trace, debug, info, warn, error, critical or off
  std::string file;            // empty: standard error
};

// `process` names the process in each line: "supervisor", "worker 0", "migrate".
result<void> initialise(const Options& options, const std::string& process);

}  // namespace txindex::log
