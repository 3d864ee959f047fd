// txindex status: what the admin port knows, once.
#pragma once

#include <string>

#include "txindex/endpoint.h"
#include "txindex/result.h"

#include "tools/service_status.h"

namespace txindex::tools {

struct StatusOptions {
  Endpoint admin{"127.0.0.1", 9464};
  bool json = false;  // what came, as it is
};

// The service answers, but does not serve at full strength: it starts, is degraded or drains, or a
// worker is not ready.
inline constexpr int kExitNotServing = 3;

// The exit status: 0 serving, kExitNotServing. Failures are of reaching it and exit with 1.
result<int> status(const StatusOptions& options);

// Asks and parses; failures name the address. If not null, `body` gets what came.
result<ServiceStatus> fetch_status(const Endpoint& admin, std::string* body = nullptr);
// What came from `admin`, parsed.
result<ServiceStatus> parse_status_of(const Endpoint& admin, const std::string& body);

// For a person; lines, each ended.
std::string describe(const ServiceStatus& status);

}  // namespace txindex::tools
