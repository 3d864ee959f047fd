// txindex send: files or standard input to a server, and what became of each transaction.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "txindex/client.h"
#include "txindex/endpoint.h"
#include "txindex/result.h"

namespace txindex::tools {

struct SendOptions {
  std::vector<std::string> inputs = {"-"};
  Endpoint server{"127.0.0.1", 9400};
  std::string token;
  Tls tls;               // null: none
  std::string tls_name;  // whom its certificate has to name; empty: the host
  unsigned connections = 1;
  std::chrono::milliseconds give_up_after = std::chrono::seconds(60);
  std::string rejects;  // where to list what was neither committed nor a duplicate; empty: nowhere
  bool quiet = false;
  bool json = false;
};

// True if every transaction of every input was acknowledged as committed or duplicate. The report
// goes to standard output, failures after it to the caller.
result<bool> send_inputs(const SendOptions& options);

}  // namespace txindex::tools
