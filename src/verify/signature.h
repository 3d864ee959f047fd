// Signature verification, one transaction at a time: the rule of each chain, in one place.
#pragma once

#include <span>

#include "txindex/bytes.h"
#include "txindex/chain/codec.h"
#include "txindex/chain/transaction.h"

namespace txindex::verify {

// Must be called once in a process before anything else here; aborts if libsodium cannot start or
// does not judge a fixed set of good and bad signatures as the rule demands.
void initialise();

// True if every one of the signatures over `message` verifies under `rule`, and there is at least
// one. Pure; any thread.
bool all_valid(chain::SignatureRule rule, Bytes message,
               std::span<const chain::SignatureCheck> signatures);

}  // namespace txindex::verify
