// What a worker asks of its producers before they may send: TLS, a client certificate, a token.
// Read from files when the worker starts, so that a rolling restart is enough to change it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "txindex/result.h"
#include "txindex/stats_layout.h"

#include "access/tokens.h"
#include "config/config.h"
#include "tls/context.h"

namespace txindex::access {

// One producer, as its token names it.
struct Producer {
  Token token;
  stats::TokenEntry* counts;  // shared with all workers

  // Transactions were received. Returns for how long no more should be taken, in nanoseconds.
  std::int64_t charge(std::uint64_t transactions, std::uint64_t bytes, std::int64_t now_ns) const;
  std::int64_t wait_ns(std::int64_t now_ns) const;
  bool limited() const { return token.rate.per_second != 0 || token.volume.per_second != 0; }
  // For how long to wait at least, when waiting is due: not a turn of the loop for each transaction
  // of a high rate, and no longer than it takes to use the burst.
  std::int64_t pause_ns() const;
};

// Immutable once loaded. The default asks for nothing.
class Guard {
 public:
  // What the configuration names; kExitConfiguration with the setting and the file.
  static result<Guard> load(const config::Config& config);
  // With room for the producers' counts, which must outlive the guard.
  static result<Guard> load(const config::Config& config, stats::TokenTable& counts);

  const tls::Context* tls() const { return tls_.get(); }
  bool asks_for_token() const { return asks_for_token_; }
  // Null: nobody's. Good as long as the guard.
  const Producer* producer_of(std::string_view token) const;

 private:
  tls::ContextPtr tls_;
  bool asks_for_token_ = false;
  std::vector<Token> tokens_;
  std::vector<Producer> producers_;  // of each token
};

// What a person should know of a configuration that does work, one line each.
std::vector<std::string> warnings(const config::Config& config);

}  // namespace txindex::access
