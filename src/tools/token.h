// txindex token: a new token for a producer, and the line by which the server knows it.
#pragma once

#include <string>

#include "txindex/result.h"

namespace txindex::tools {

struct TokenOptions {
  std::string name;
  std::string limits;  // behind the hash: "rate=1000/s volume=1MiB/s"
  std::string out;     // a new file for the token; empty: standard output
};

// The line for the server's file goes to standard output, the token there too or to a file of its
// own. It is kept nowhere else.
result<void> make_producer_token(const TokenOptions& options);

}  // namespace txindex::tools
