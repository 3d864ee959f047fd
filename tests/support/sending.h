// Sending with the project's own tools, for tests of the server.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "support/process.h"
#include "support/temp_dir.h"

namespace txindex::test {

// A .txs file of fresh transactions in `dir`.
std::string generate(const TempDir& dir, std::size_t count, const std::string& mix = "mixed");

// What `txindex send --json` reported.
struct Report {
  int status = -1;
  std::string output;
  std::map<std::string, std::int64_t>
      numbers;  // committed, duplicate, total, resent, reconnects...

  std::int64_t operator[](const std::string& name) const;
};

// A `txindex send` that runs while the test does something to the server.
class Sending {
 public:
  Sending(const std::string& server, const std::string& file, int connections);
  Report wait();
  bool running() { return process_.running(); }

 private:
  TempDir dir_;
  Process process_;
};

inline Report send(const std::string& server, const std::string& file, int connections = 1) {
  return Sending(server, file, connections).wait();
}

}  // namespace txindex::test
