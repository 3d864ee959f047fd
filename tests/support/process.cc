#include "support/process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "support/temp_dir.h"

extern char** environ;

namespace txindex::test {
namespace {

[[noreturn]] void become(char* const* command, char* const* environment,
                         const Process::Options& options, pid_t parent) {
  const auto fail = []() { _exit(127); };
  const int in =
      open(options.input_file.empty() ? "/dev/null" : options.input_file.c_str(), O_RDONLY);
  if (in < 0 || dup2(in, 0) < 0) fail();
  if (!options.output_file.empty()) {
    const int out = open(options.output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (out < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) fail();
  }
  if (options.run_as != 0) {
    if (setgroups(0, nullptr) != 0 || setgid(options.group) != 0 || setuid(options.run_as) != 0)
      fail();
  }
  // After the change of user, which would clear it.
  if (prctl(PR_SET_PDEATHSIG, options.death_signal) != 0 || getppid() != parent) fail();
  execvpe(command[0], command, environment);
  _exit(127);
}

}  // namespace

Process::Process(std::vector<std::string> command, const Options& options) {
  std::vector<char*> argv;
  for (auto& word : command)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> settings;
  for (const auto& [name, value] : options.environment)
    settings.push_back(name + "=" + value);
  std::vector<char*> envp;
  for (auto& setting : settings)
    envp.push_back(setting.data());
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string entry = *at;
    if (options.environment.count(entry.substr(0, entry.find('='))) == 0) envp.push_back(*at);
  }
  envp.push_back(nullptr);

  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) become(argv.data(), envp.data(), options, parent);
}

Process::~Process() {
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  wait();
}

bool Process::running() {
  return wait(std::chrono::milliseconds(0)) == -1;
}

void Process::signal(int number) {
  if (!ended_) ::kill(pid_, number);
}

int Process::wait(std::chrono::milliseconds limit) {
  if (!ended_) {
    const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    pollfd waiting{fd, POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(limit.count()));
    close(fd);
    if (ready != 1) return -1;
    waitpid(pid_, &status_, 0);
    ended_ = true;
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
}

Ran run(std::vector<std::string> command, Process::Options options,
        std::chrono::milliseconds limit) {
  TempDir dir;
  options.output_file = dir / "output";
  Process process(std::move(command), options);
  const int status = process.wait(limit);
  return {status, read_file(options.output_file)};
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    poll(nullptr, 0, 10);
  }
  return true;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

}  // namespace txindex::test
