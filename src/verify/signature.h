// The signatures of transactions: the rule of each chain, in one place.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "txindex/bytes.h"
#include "txindex/chain/codec.h"
#include "txindex/chain/transaction.h"

#include "verify/ed25519/kernel.h"

namespace txindex::verify {

// The signatures of many transactions, judged together: that is what makes it fast. One thread;
// used again and again, it does not allocate.
class SignatureBatch {
 public:
  // The next transaction's. The bytes must outlive judge().
  void add(chain::SignatureRule rule, Bytes message,
           std::span<const chain::SignatureCheck> signatures);
  std::size_t signatures() const { return triples_.size(); }

  void judge();
  // Of the transaction that was added as number i, from 0: does every one of its signatures verify
  // under its rule, and is there at least one?
  bool valid(std::size_t i) const { return valid_[i]; }

  void clear();

 private:
  std::vector<ed25519::Triple> triples_;
  std::vector<std::uint32_t> transaction_of_;  // of each triple
  std::vector<std::uint8_t> verdicts_;         // of each triple
  std::vector<std::uint8_t> valid_;            // of each transaction
};

// Of one transaction.
bool all_valid(chain::SignatureRule rule, Bytes message,
               std::span<const chain::SignatureCheck> signatures);

}  // namespace txindex::verify
