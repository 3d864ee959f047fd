#include "verify/signature.h"

#include <algorithm>

#include "verify/backend.h"

namespace txindex::verify {

void SignatureBatch::add(chain::SignatureRule rule, Bytes message,
                         std::span<const chain::SignatureCheck> signatures) {
  const auto number = static_cast<std::uint32_t>(valid_.size());
  const auto has_its_sizes = [](const chain::SignatureCheck& check) {
    return check.public_key.size() == 32 && check.signature.size() == 64;
  };
  switch (rule) {
    case chain::SignatureRule::ed25519_strict:
      if (signatures.empty() || !std::all_of(signatures.begin(), signatures.end(), has_its_sizes)) {
        valid_.push_back(0);
        return;
      }
      valid_.push_back(1);
      for (const auto& check : signatures) {
        triples_.push_back(
            {check.public_key.data(), check.signature.data(), message.data(), message.size()});
        transaction_of_.push_back(number);
      }
      return;
  }
  valid_.push_back(0);
}

void SignatureBatch::judge() {
  verdicts_.resize(triples_.size());
  verify::judge(triples_, verdicts_);
  for (std::size_t i = 0; i < triples_.size(); ++i)
    valid_[transaction_of_[i]] &= verdicts_[i];
}

void SignatureBatch::clear() {
  triples_.clear();
  transaction_of_.clear();
  valid_.clear();
}

bool all_valid(chain::SignatureRule rule, Bytes message,
               std::span<const chain::SignatureCheck> signatures) {
  SignatureBatch batch;
  batch.add(rule, message, signatures);
  batch.judge();
  return batch.valid(0);
}

}  // namespace txindex::verify
