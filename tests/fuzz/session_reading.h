// A second reading of what a producer sends on a connection, beside src/net, src/wire and
// src/chain: written from the README's description of the protocol, sharing no parser with them. It
// says what the server must answer, transaction by transaction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "txindex/bytes.h"
#include "txindex/wire/ack.h"

namespace txindex::fuzz {

// What is told to a producer.
struct Told {
  // WELCOME and PONG whole, of an ERROR its type and code: one string for each frame but ACK.
  std::vector<std::string> frames;
  std::vector<wire::Outcome> outcomes;  // in binary mode
  // In line mode: `committed TXID`, `duplicate TXID`, `rejected REASON`, `error`.
  std::vector<std::string> lines;
  bool operator==(const Told&) const = default;
};

// The rules of the server that are not the protocol's.
struct ServerRules {
  std::int64_t now_us;  // since the Unix epoch: the server's clock, which stands still
  std::int64_t max_future_us;
  std::int64_t max_age_us;
};

// A store that is empty at first, takes a transaction once, and refuses those whose fee payer's
// address begins with a zero. Nobody checks signatures.
inline bool store_refuses(Bytes fee_payer) {
  return fee_payer[0] == 0;
}

// What the server must say to a producer that sends `stream` and then ends its side.
Told expected_answers(Bytes stream, const ServerRules& rules);

}  // namespace txindex::fuzz
