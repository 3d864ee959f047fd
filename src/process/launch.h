// Starting children: fork, then exec of this program's path.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "txindex/result.h"

namespace txindex::process {

// How this process was started.
struct Program {
  // Absolute. The path and not /proc/self/exe is executed, which would be the old file for ever:
  // a child that is started after an upgrade runs what is installed then.
  std::string path;
  std::vector<std::string> arguments;  // without the program's name
};
result<Program> this_program(int argc, const char* const* argv);

struct Launch {
  std::vector<std::string> arguments;  // without the program's name
  std::vector<int> inherited;          // descriptors that stay open over exec, under their numbers
  std::vector<std::string> hidden;     // how the variables begin that are not passed on
  int control_fd = -1;                 // one of them, over which a failure to exec is told
  int slot = -1;                       // in that message
};

// Returns the child's process id. From the main thread only: the child gets SIGTERM when the thread
// that started it ends, however it ends. A program that cannot be executed shows as a child that
// sends FAILED, if it has a control_fd, and exits with kExitFailure.
result<pid_t> start_child(const std::string& path, const Launch& launch);

// How a child ended, from the status of waitpid(): "exited with status 1", "was killed by signal 9
// (Killed)".
std::string describe_end(int wait_status);

}  // namespace txindex::process
