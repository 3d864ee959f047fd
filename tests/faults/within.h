// Where the processes of the fault suite run.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/process.h"

namespace txindex::test {

// Runs its argument, which starts a process: for one in another network namespace. Empty: here.
using Within = std::function<void(const std::function<void()>&)>;

inline std::unique_ptr<Process> start_within(const Within& within, std::vector<std::string> command,
                                             const Process::Options& options) {
  std::unique_ptr<Process> process;
  const auto start = [&] { process = std::make_unique<Process>(std::move(command), options); };
  if (within) {
    within(start);
  } else {
    start();
  }
  return process;
}

}  // namespace txindex::test
