#include "process/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "process/control.h"
#include "process/signals.h"

namespace txindex::process {
namespace {

// Those in the environment that begin with one of the prefixes.
std::vector<std::string> variables_of(const std::vector<std::string>& prefixes) {
  std::vector<std::string> names;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view entry = *at;
    const bool found = std::any_of(prefixes.begin(), prefixes.end(),
                                   [&](const auto& prefix) { return entry.starts_with(prefix); });
    if (found) names.emplace_back(entry.substr(0, entry.find('=')));
  }
  return names;
}

// In the child. Its parent is single-threaded, so that everything may be called here.
[[noreturn]] void become(const std::string& path, char* const* argv, const Launch& launch,
                         pid_t parent) {
  reset_signals_in_child();
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  // The parent may have ended before that took hold.
  if (getppid() != parent) _exit(kExitFailure);
  // Standard output may be the log by another number, and nothing is read or written there.
  if (const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC); nothing >= 0) {
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
  }
  for (const int fd : launch.inherited)
    fcntl(fd, F_SETFD, 0);
  for (const auto& name : variables_of(launch.hidden))
    unsetenv(name.c_str());
  execv(path.c_str(), argv);

  const std::string problem = "cannot execute " + path + ": " + std::strerror(errno);
  Message failed;
  failed.type = MessageType::failed;
  failed.slot = launch.slot;
  failed.pid = getpid();
  failed.value = kExitFailure;
  failed.text = problem;
  if (launch.control_fd < 0 || !send_message(launch.control_fd, failed)) {
    std::fprintf(stderr, "txindexd: %s\n", problem.c_str());
  }
  _exit(kExitFailure);
}

}  // namespace

result<Program> this_program(int argc, const char* const* argv) {
  // The path that was executed, with its symbolic links: who deploys by changing one means it.
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel gives the address as a number
  const auto* executed = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  if (executed == nullptr) return failure("the kernel does not say which program was executed");
  std::error_code problem;
  Program program;
  program.path = std::filesystem::absolute(executed, problem);
  if (problem) return failure("the current directory: " + problem.message());
  if (argc > 1) program.arguments.assign(argv + 1, argv + argc);
  return program;
}

result<pid_t> start_child(const std::string& path, const Launch& launch) {
  std::vector<std::string> words = {path};
  words.insert(words.end(), launch.arguments.begin(), launch.arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (auto& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);

  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return failure(std::string("fork: ") + std::strerror(errno));
  if (pid == 0) become(path, argv.data(), launch, parent);
  return pid;
}

std::string describe_end(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    return "was killed by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
  }
  return "exited with status " + std::to_string(WEXITSTATUS(wait_status));
}

}  // namespace txindex::process
