// What a chain must say for itself: bytes to a parsed transaction, or a reason why not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "txindex/bytes.h"
#include "txindex/chain/transaction.h"
#include "txindex/result.h"
#include "txindex/wire/ack.h"

namespace txindex::chain {

// Why a transaction was not accepted. `detail` is a string literal, one for each rule.
struct Rejection {
  wire::Outcome outcome;
  std::string_view detail;
};

[[noreturn]] void throw_exception_from_error(const Rejection& rejection,
                                             const boost::source_location&);

// How the signatures of a chain are checked. The rule is named here by the codec and carried out
// in src/verify; a chain that changes its rule changes this one word.
enum class SignatureRule : std::uint8_t {
  // Ed25519, cofactorless; S canonical; A and R canonical and not of small order.
  ed25519_strict,
};

// Stateless, hence usable from any thread. The registry's instances live as long as the program.
class Codec {
 public:
  virtual ~Codec() = default;
  virtual ChainId id() const = 0;
  virtual std::string_view name() const = 0;
  virtual SignatureRule signature_rule() const = 0;
  // Above this a transaction is rejected as too large before it is looked at.
  virtual std::size_t max_transaction_bytes() const = 0;
  // Adds one transaction to `table`, its views into `raw`, and checks everything that can be
  // checked without its signatures and without the chain's state. On rejection the table is as it
  // was before.
  virtual result<void, Rejection> parse(Bytes raw, TransactionTable& table) const = 0;
  // As people write it: base58 for Solana.
  virtual std::string txid_text(Bytes txid) const = 0;
};

// nullptr: a chain that is not known here.
const Codec* find_codec(std::uint8_t chain);

}  // namespace txindex::chain
