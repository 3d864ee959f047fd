// txindex top: what the admin port knows, live, until q or Ctrl-C. A server that goes away is
// waited for.
#pragma once

#include <chrono>

#include "txindex/endpoint.h"
#include "txindex/result.h"

namespace txindex::tools {

struct TopOptions {
  Endpoint admin{"127.0.0.1", 9464};
  std::chrono::milliseconds interval = std::chrono::seconds(1);
  bool once = false;  // one plain frame of all processes; so it is, too, where there is no terminal
};

// The exit status: 0; for one frame that of status().
result<int> top(const TopOptions& options);

}  // namespace txindex::tools
