#include "sim/transactions.h"

#include <array>
#include <unordered_map>

#include "txindex/limits.h"

#include "support/solana_builder.h"

namespace txindex::sim {
namespace {

constexpr std::int64_t kMinute = 60'000'000;
constexpr std::int64_t kFirstStamp = 1'600'000'020'000'000;

std::uint64_t head_of(Bytes txid) {
  return wire::load<std::uint64_t>(txid.data());
}

struct All {
  std::vector<std::vector<std::uint8_t>> bytes;
  std::unordered_map<std::uint64_t, std::size_t> numbers;

  All() {
    for (std::size_t i = 0; i < kTransactions; ++i) {
      const int version = static_cast<int>(i % 3) - 1;
      auto tx =
          i % 4 == 0 ? test::solana_mixture(version, i + 1) : test::solana_transfer(version, i + 1);
      // With the head of its frame it does not fit the small chunk.
      if (version == 1 && i % 5 == 0) {
        tx.instructions.back().data.resize(limits::kSolanaV1MaxBytes - tx.bytes().size());
      }
      bytes.push_back(tx.bytes());
      const auto& made = bytes.back();
      // Version 1 has its signatures at the end.
      const std::size_t txid = version == 1 ? made.size() - 64 * tx.signers.size() : 1;
      numbers[head_of(Bytes(made).subspan(txid, 64))] = i;
    }
  }
};

const All& all() {
  static const All made;
  return made;
}

}  // namespace

const std::vector<std::uint8_t>& transaction(std::size_t number) {
  return all().bytes[number];
}

std::size_t number_of(Bytes txid) {
  const auto found = all().numbers.find(head_of(txid));
  return found == all().numbers.end() ? kTransactions : found->second;
}

std::int64_t stamp_of(std::size_t number) {
  return kFirstStamp + static_cast<std::int64_t>(number) * 7 * kMinute;
}

Kind Kinds::operator[](std::size_t number) const {
  // Two in three are good.
  constexpr std::array kinds = {Kind::bad_row,       Kind::bad_row_23514, Kind::bad_when_there,
                                Kind::bad_signature, Kind::malformed,     Kind::too_large,
                                Kind::unknown_chain};
  const std::uint64_t hash = (seed_ ^ (number * 0x9e3779b97f4a7c15)) * 0xff51afd7ed558ccd;
  const std::size_t draw = (hash >> 40) % (3 * kinds.size());
  const Kind kind = draw < kinds.size() ? kinds[draw] : Kind::good;
  // A line does not name a chain, and what is no base64 is for another test.
  const bool line = number >= kTransactions - kLineTransactions;
  return line && (kind == Kind::unknown_chain || kind == Kind::too_large) ? Kind::good : kind;
}

std::optional<wire::Outcome> rejection(Kind kind) {
  switch (kind) {
    case Kind::good:
    case Kind::bad_when_there:
      return std::nullopt;
    case Kind::bad_row:
    case Kind::bad_row_23514:
      return wire::Outcome::refused_by_database;
    case Kind::bad_signature:
      return wire::Outcome::bad_signature;
    case Kind::malformed:
      return wire::Outcome::malformed;
    case Kind::too_large:
      return wire::Outcome::too_large;
    case Kind::unknown_chain:
      return wire::Outcome::unsupported;
  }
  return std::nullopt;
}

std::vector<std::uint8_t> as_sent(std::size_t number, Kind kind) {
  std::vector<std::uint8_t> bytes = transaction(number);
  if (kind == Kind::malformed) bytes.pop_back();
  if (kind == Kind::too_large) bytes.resize(limits::kSolanaV1MaxBytes + 1);
  return bytes;
}

}  // namespace txindex::sim
