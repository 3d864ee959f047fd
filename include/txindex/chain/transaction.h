// A parsed transaction, as views into the bytes that it was parsed from.
//
// Nothing here owns memory of the peer's bytes: a view is good for as long as the buffer that was
// parsed. The variable-length parts of many transactions (signatures, accounts, instructions,
// lookups) stand one after another in the columns of a TransactionTable, so that parsing allocates
// nothing once a table that is used again has grown to its working size.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "txindex/bytes.h"

namespace txindex::chain {

enum class ChainId : std::uint8_t { solana = 1 };

// What an account is to a transaction; a set of bits, stored as such in the database.
enum Role : std::uint8_t {
  kSigner = 1,
  kWritable = 2,
  kProgram = 4,  // an instruction calls it
  kFeePayer = 8,
};

struct Account {
  Bytes address;
  std::uint8_t roles;
};

// One signature over the transaction's `message`.
struct SignatureCheck {
  Bytes public_key;  // 32 bytes for Ed25519
  Bytes signature;   // 64 bytes for Ed25519
};

struct Instruction {
  std::uint8_t program;  // index into the accounts of the transaction
  Bytes accounts;        // indexes, one byte each, into static and then looked-up accounts
  Bytes data;
};

// Addresses that the chain would load from a table on chain; they cannot be known from the wire.
struct AddressLookup {
  Bytes table;     // address
  Bytes writable;  // indexes into the table
  Bytes readonly;
};

// A half-open range of a column of the table that the transaction is in.
struct Range {
  std::uint32_t begin = 0;
  std::uint32_t count = 0;
};

struct Transaction {
  static constexpr std::int8_t kLegacy = -1;

  ChainId chain = ChainId::solana;
  std::int8_t version = kLegacy;  // kLegacy, or the number of the version
  Bytes raw;                      // the whole transaction, as it came
  Bytes txid;                     // Solana: the first signature, 64 bytes
  Bytes message;                  // what the signatures cover
  Bytes fee_payer;
  Bytes recent_blockhash;
  Range signatures;
  Range accounts;  // static accounts, in the order of the wire
  Range instructions;
  Range lookups;
};

struct TransactionTable {
  std::vector<Transaction> transactions;
  std::vector<SignatureCheck> signatures;
  std::vector<Account> accounts;
  std::vector<Instruction> instructions;
  std::vector<AddressLookup> lookups;

  std::span<const SignatureCheck> signatures_of(const Transaction& t) const {
    return std::span(signatures).subspan(t.signatures.begin, t.signatures.count);
  }
  std::span<const Account> accounts_of(const Transaction& t) const {
    return std::span(accounts).subspan(t.accounts.begin, t.accounts.count);
  }
  std::span<const Instruction> instructions_of(const Transaction& t) const {
    return std::span(instructions).subspan(t.instructions.begin, t.instructions.count);
  }
  std::span<const AddressLookup> lookups_of(const Transaction& t) const {
    return std::span(lookups).subspan(t.lookups.begin, t.lookups.count);
  }
  void clear() {
    transactions.clear();
    signatures.clear();
    accounts.clear();
    instructions.clear();
    lookups.clear();
  }
};

}  // namespace txindex::chain
