// A child process of a test: ended with the test, also when the test dies.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace txindex::test {

class Process {
 public:
  struct Options {
    std::map<std::string, std::string> environment;  // added to the test's own
    std::string output_file;                         // standard output and error; empty: the test's
    std::string input_file;                          // standard input; empty: /dev/null
    uid_t run_as = 0;                                // not 0: become this user and group first
    gid_t group = 0;
    int death_signal = 9;  // what it gets when the test dies
  };

  explicit Process(std::vector<std::string> command) : Process(std::move(command), Options()) {}
  Process(std::vector<std::string> command, const Options& options);
  ~Process();  // SIGKILL, if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number);
  // Waits for the end and returns the exit status, 128 + n after signal n; -1 when it still runs
  // after `limit`.
  int wait(std::chrono::milliseconds limit = std::chrono::seconds(60));

 private:
  pid_t pid_ = -1;
  bool ended_ = false;
  int status_ = 0;
};

// Runs a command to its end; standard output and error in `output`.
struct Ran {
  int status;
  std::string output;
};
Ran run(std::vector<std::string> command, Process::Options options = {},
        std::chrono::milliseconds limit = std::chrono::seconds(120));

// Waits until `condition` holds, asking often; false when it does not within `limit`.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds limit = std::chrono::seconds(30));

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);

}  // namespace txindex::test
