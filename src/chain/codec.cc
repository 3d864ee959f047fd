#include "txindex/chain/codec.h"

#include <stdexcept>

#include "chain/solana/codec.h"

namespace txindex::chain {

void throw_exception_from_error(const Rejection& rejection, const boost::source_location&) {
  throw std::logic_error("value() of a rejected transaction: " + std::string(rejection.detail));
}

const Codec* find_codec(std::uint8_t chain) {
  static const solana::SolanaCodec solana;
  switch (static_cast<ChainId>(chain)) {
    case ChainId::solana:
      return &solana;
  }
  return nullptr;
}

}  // namespace txindex::chain
