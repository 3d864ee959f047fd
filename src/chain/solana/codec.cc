#include "chain/solana/codec.h"

#include "txindex/limits.h"

#include "chain/base58.h"
#include "chain/solana/draft.h"
#include "chain/solana/formats.h"
#include "chain/solana/rules.h"

namespace txindex::chain::solana {
namespace {

// The first byte tells the formats apart: with its high bit, it is the version of the whole
// transaction; without, it is the count of signatures that stand before the message.
Verdict parse_any(Bytes raw, Draft& draft) {
  if (raw.empty()) return &kEmpty;
  const std::uint8_t first = raw.front();
  if ((first & kVersionBit) == 0) {
    if (raw.size() > limits::kSolanaPacketMaxBytes) return &kOverPacketSize;
    return parse_legacy_or_v0(raw, draft);
  }
  if (raw.size() > limits::kSolanaV1MaxBytes) return &kOverV1Size;
  if (first == kVersionBit) return &kVersionBeforeSignatures;
  if (first != kV1Byte) return &kUnknownTransactionVersion;
  return parse_v1(raw, draft);
}

}  // namespace

std::size_t SolanaCodec::max_transaction_bytes() const {
  return limits::kSolanaV1MaxBytes;
}

result<void, Rejection> SolanaCodec::parse(Bytes raw, TransactionTable& table) const {
  Draft draft(raw, table);
  if (const Verdict why = parse_any(raw, draft)) return *why;
  draft.keep();
  return {};
}

std::string SolanaCodec::txid_text(Bytes txid) const {
  return base58::encode(txid);
}

}  // namespace txindex::chain::solana
