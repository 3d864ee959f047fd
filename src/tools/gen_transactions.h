// Makes signed Solana transactions: real wire format, real keys, every one different.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "txindex/bytes.h"
#include "txindex/limits.h"
#include "txindex/wire/frame.h"

namespace txindex::tools {

enum class Mix {
  transfer,  // one signature, one payment, 215 bytes
  mixed,  // of 100: 84 of those, 6 with a memo, 4 with two signers, 4 of version 0 with an address
          // lookup, 2 of version 1
};

// The sizes that a transaction can be given, by its memo.
inline constexpr std::size_t kGivenBytesLeast = 400;
inline constexpr std::size_t kGivenBytesMost = limits::kTransactionMaxBytes;

// What transaction `index` of a mix is made as.
enum class Kind { transfer, memo, two_signers, v0, v1 };
Kind kind_of(std::uint64_t index, Mix mix);

// The transactions of a seed. The same seed, number of accounts and index give the same bytes;
// another seed gives other keys, block hashes and hence ids. verify::initialise() comes first.
class TransactionMaker {
 public:
  // Derives the keys of all `accounts` (at least one), with `threads` threads. With `bytes`, within
  // the limits above, each transaction has so many, whatever the mix: a payment with a memo, legacy
  // if that can be so large, else version 1.
  TransactionMaker(std::uint64_t seed, std::uint32_t accounts, Mix mix, unsigned threads,
                   std::size_t bytes = 0);

  // Adds the bytes of one transaction to `out`. Paid for by account `index` modulo their number.
  // Any thread.
  void append(std::uint64_t index, wire::Buffer& out) const;

 private:
  using PublicKey = std::array<std::uint8_t, 32>;
  struct Account {
    PublicKey address;
    std::array<std::uint8_t, 64> secret;
  };
  struct Parties {
    const Account& payer;
    const Account& second;  // the same when there is but one account
    PublicKey payee;
    PublicKey blockhash;
    std::uint64_t lamports;
  };

  Parties parties(std::uint64_t index) const;
  PublicKey derive(std::string_view purpose, std::uint64_t n) const;
  std::string memo(std::uint64_t index, std::size_t others) const;

  void append_legacy(const Parties& p, wire::Buffer& message) const;
  void append_memo(const Parties& p, std::uint64_t index, wire::Buffer& message) const;
  void append_two_signers(const Parties& p, wire::Buffer& message) const;
  void append_v0(const Parties& p, wire::Buffer& message) const;
  void append_v1(const Parties& p, std::uint64_t index, wire::Buffer& message) const;

  const std::uint64_t seed_;
  const Mix mix_;
  const std::size_t bytes_;
  std::vector<Account> accounts_;
};

}  // namespace txindex::tools
