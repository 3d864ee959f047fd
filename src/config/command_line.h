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
  worker,    // internal: how the supervisor starts its children
  admin,     // likewise
  takeover,  // internal: the supervisor itself, going on with the children of the one before it
  check_config,
  print_config,
  help,
  version,
};

// What the supervisor tells a child, a worker or the admin process, on its command line.
struct ChildArguments {
  int slot = -1;
  int side = 0;  // which of the slot's blocks in the statistics
  std::uint64_t generation = 0;
  int control_fd = -1;
  int stats_fd = -1;
  int listen_fd = -1;  // the slot's listening socket; -1: there is none yet, make one
  Endpoint listen;     // where
  // Wait for a database that is away, because the service goes on anyway; otherwise say so and
  // fail, because somebody waits for the answer.
  bool patient = false;
};

// What the supervisor tells the one that takes its place.
struct TakeoverArguments {
  int state_fd = -1;    // what is to be taken over
  bool check = false;   // find out whether that would work, and do no more
  int control_fd = -1;  // then: where to say why it would not
};

struct CommandLine {
  Command command = Command::serve;
  Config config;
  ChildArguments child;
  TakeoverArguments takeover;
  std::string help;                   // the text, for Command::help
  std::vector<std::string> warnings;  // for the log, one line each
};

// Reads the process's environment and the file named by --config or TXINDEXD_CONFIG. A failure is
// one line that names the flag, the variable or the file with its line, and the key. Main thread
// only, before any other thread.
result<CommandLine> parse_command_line(int argc, const char* const* argv);

// The arguments that parse_command_line() takes for a child (Command::worker or admin) and for a
// takeover; `original` are the supervisor's own, without the program's name. A child is not told
// how to become the owner of the schema, and the admin process not how to reach the database.
std::vector<std::string> child_command_line(Command command, const ChildArguments& child,
                                            const std::vector<std::string>& original);
// For the same reason: how the variables of the environment begin that such a child must not get.
std::vector<std::string> hidden_variables(Command child);
std::vector<std::string> takeover_command_line(const TakeoverArguments& takeover,
                                               const std::vector<std::string>& original);

// The supervisor's own arguments: those of `words` behind the ones that takeover_command_line()
// has put there. (A supervisor may take over many times.)
std::vector<std::string> original_arguments(std::vector<std::string> words);

}  // namespace txindex::config
