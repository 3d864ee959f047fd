// txindex load: how much a server takes, and how long it takes for each.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "txindex/client.h"
#include "txindex/endpoint.h"
#include "txindex/limits.h"
#include "txindex/result.h"

#include "tools/gen_transactions.h"

namespace txindex::tools {

struct LoadOptions {
  Endpoint server{"127.0.0.1", 9400};
  std::string token;
  Tls tls;               // null: none
  std::string tls_name;  // whom its certificate has to name; empty: the host
  unsigned connections = 16;
  unsigned threads = 0;  // that send; 0: one for each two cores, at most one for each connection
  std::uint32_t window = limits::kWindowMaxTransactions;  // unacknowledged on a connection, at most
  std::optional<double> rate;  // transactions a second of all connections; none: closed loop
  std::optional<std::chrono::milliseconds> duration;
  std::optional<std::uint64_t> count;
  std::vector<std::string> files;  // none: transactions are made
  Mix mix = Mix::mixed;
  std::uint32_t accounts = 1000;
  std::optional<std::uint64_t> seed;  // else one that was never used
  std::uint64_t ahead = 200'000;      // transactions ready before the clock starts, at most
  std::chrono::milliseconds give_up_after = std::chrono::seconds(60);
  std::string journal;  // a folder; empty: none
  bool json = false;
  bool quiet = false;
};

// True if every transaction whose time came was sent, and acknowledged as committed or duplicate.
// The report goes to standard output.
result<bool> load(const LoadOptions& options);

}  // namespace txindex::tools
