// txindex gen: a file of signed transactions to try a server with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "txindex/result.h"

#include "tools/gen_transactions.h"

namespace txindex::tools {

struct GenOptions {
  std::uint64_t count = 0;
  std::string out = "-";
  std::optional<std::uint64_t> seed;    // else one that was never used
  std::optional<std::int64_t> time_us;  // of the first; else so that the last is now
  std::uint32_t accounts = 1000;
  Mix mix = Mix::mixed;
  std::size_t bytes = 0;  // of each transaction, which then has no mix; 0: as it comes
  bool lines = false;     // base64, without times, instead of .txs
  unsigned threads = 0;
  bool quiet = false;
};

result<void> gen(const GenOptions& options);

}  // namespace txindex::tools
