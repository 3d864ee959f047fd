// Solana: legacy, version 0 and version 1 (SIMD-0385) transactions.
#pragma once

#include "txindex/chain/codec.h"

namespace txindex::chain::solana {

class SolanaCodec final : public Codec {
 public:
  ChainId id() const override { return ChainId::solana; }
  std::string_view name() const override { return "solana"; }
  SignatureRule signature_rule() const override { return SignatureRule::ed25519_strict; }
  std::size_t max_transaction_bytes() const override;
  result<void, Rejection> parse(Bytes raw, TransactionTable& table) const override;
  std::string txid_text(Bytes txid) const override;
};

}  // namespace txindex::chain::solana
