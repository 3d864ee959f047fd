// What txindexd was asked to do, and the Config that follows from flags, environment and file.
//
// A flag beats the environment, which beats the file, which beats the default. Every value in the
// file is checked, also one that is overridden; so is every combination.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "txindex/result.h"

#include "config/config.h"

namespace txindex::config {

enum class Command : std::uint8_t {
  serve,
  migrate,
  worker,  // internal: how the supervisor starts its children
  check_config,
  print_config,
  help,
  version,
};

// What the supervisor tells a worker on its command line.
struct WorkerArguments {
  int slot = -1;
  std::uint64_t generation = 0;
  int control_fd = -1;
  int stats_fd = -1;
  Endpoint listen;
};

struct CommandLine {
  Command command = Command::serve;
  Config config;
  WorkerArguments worker;
  std::string help;                   // the text, for Command::help
  std::vector<std::string> warnings;  // for the log, one line each
};

// Reads the process's environment and the file named by --config or TXINDEXD_CONFIG. A failure is
// one line that names the flag, the variable or the file with its line, and the key. Main thread
// only, before any other thread.
result<CommandLine> parse_command_line(int argc, const char* const* argv);

// The arguments that parse_command_line() takes for a worker; `original` are the supervisor's own,
// without the program's name.
std::vector<std::string> worker_command_line(const WorkerArguments& worker,
                                             const std::vector<std::string>& original);

}  // namespace txindex::config
