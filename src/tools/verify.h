// txindex verify: what a server would say of each transaction, short of the database.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "txindex/result.h"
#include "txindex/verify_backend.h"

namespace txindex::tools {

struct VerifyOptions {
  std::vector<std::string> inputs = {"-"};
  std::string out;  // where the good ones go, as .txs; empty: nowhere
  unsigned threads = 0;
  std::uint64_t max_errors = 20;  // how many bad ones are told one by one
  VerifyBackend backend = VerifyBackend::automatic;
  bool quiet = false;
};

// True if every transaction is good. The report goes to standard output, or to standard error when
// the transactions go to standard output.
result<bool> verify_inputs(const VerifyOptions& options);

}  // namespace txindex::tools
