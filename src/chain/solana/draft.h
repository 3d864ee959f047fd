// A transaction while it is parsed: its rows at the end of a table's columns, and the rules that
// all formats share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "txindex/bytes.h"
#include "txindex/chain/transaction.h"

#include "chain/solana/rules.h"

namespace txindex::chain::solana {

struct Header {
  std::uint8_t required_signatures = 0;
  std::uint8_t readonly_signed = 0;
  std::uint8_t readonly_unsigned = 0;
};

// Takes back what it added to the table when it goes, unless keep() was called.
class Draft {
 public:
  Draft(Bytes raw, TransactionTable& table);
  ~Draft();
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  // In this order: signatures belong to accounts, instructions call and lookups extend them.

  // `addresses`: a whole number of addresses, all of the static accounts.
  Verdict add_accounts(const Header& header, Bytes addresses);
  // As many signatures as the header requires; the accounts are there already.
  void add_signatures(Bytes signatures);
  Verdict add_instruction(std::uint8_t program, Bytes accounts, Bytes data);
  Verdict add_lookup(Bytes table, Bytes writable, Bytes readonly);
  // What can be judged only when all accounts are counted.
  Verdict check_totals() const;

  void set_version(std::int8_t version) { transaction_.version = version; }
  void set_message(Bytes message) { transaction_.message = message; }
  void set_recent_blockhash(Bytes blockhash) { transaction_.recent_blockhash = blockhash; }

  void keep();

 private:
  bool has_duplicate_accounts() const;

  TransactionTable& table_;
  Transaction transaction_;
  std::size_t looked_up_accounts_ = 0;
  std::size_t accounts_named_ = 0;  // 1 + the highest account index of any instruction
  bool kept_ = false;
};

}  // namespace txindex::chain::solana
