#include "support/solana_rebuild.h"

#include <gtest/gtest.h>

#include "support/solana_builder.h"

namespace txindex::test {
namespace {

struct Rebuild {
  const chain::TransactionTable& table;
  const chain::Transaction& tx;
  Blob out;

  void byte(std::size_t value) { out.push_back(static_cast<std::uint8_t>(value)); }

  void view(Bytes bytes) {
    const bool within = bytes.data() >= tx.raw.data() &&
                        bytes.data() + bytes.size() <= tx.raw.data() + tx.raw.size();
    EXPECT_TRUE(within) << "a view that is not of the transaction";
    if (within) out.insert(out.end(), bytes.begin(), bytes.end());
  }

  void compact(std::size_t value) {
    const Blob bytes = compact_u16(value);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }

  void counted(Bytes bytes) {
    compact(bytes.size());
    view(bytes);
  }

  void signatures() {
    for (const auto& check : table.signatures_of(tx))
      view(check.signature);
  }

  void addresses() {
    for (const auto& account : table.accounts_of(tx))
      view(account.address);
  }

  void header() {
    std::size_t signers = 0;
    std::size_t readonly_signers = 0;
    std::size_t readonly_others = 0;
    for (const auto& account : table.accounts_of(tx)) {
      const bool signer = (account.roles & chain::kSigner) != 0;
      const bool readonly = (account.roles & chain::kWritable) == 0;
      signers += signer ? 1 : 0;
      readonly_signers += signer && readonly ? 1 : 0;
      readonly_others += !signer && readonly ? 1 : 0;
    }
    byte(signers);
    byte(readonly_signers);
    byte(readonly_others);
  }

  void legacy_or_v0() {
    compact(tx.signatures.count);
    signatures();
    if (tx.version == 0) byte(0x80);
    header();
    compact(tx.accounts.count);
    addresses();
    view(tx.recent_blockhash);
    compact(tx.instructions.count);
    for (const auto& instruction : table.instructions_of(tx)) {
      byte(instruction.program);
      counted(instruction.accounts);
      counted(instruction.data);
    }
    if (tx.version != 0) return;
    compact(tx.lookups.count);
    for (const auto& lookup : table.lookups_of(tx)) {
      view(lookup.table);
      counted(lookup.writable);
      counted(lookup.readonly);
    }
  }

  void v1() {
    byte(0x81);
    header();
    const Bytes mask = tx.raw.subspan(4, 4);
    view(mask);
    view(tx.recent_blockhash);
    byte(tx.instructions.count);
    byte(tx.accounts.count);
    addresses();
    std::size_t words = 0;
    for (unsigned bits = mask[0]; bits != 0; bits >>= 1)
      words += bits & 1;
    view(tx.raw.subspan(out.size(), words * 4));
    for (const auto& instruction : table.instructions_of(tx)) {
      byte(instruction.program);
      byte(instruction.accounts.size());
      byte(instruction.data.size() & 0xff);
      byte(instruction.data.size() >> 8);
    }
    for (const auto& instruction : table.instructions_of(tx)) {
      view(instruction.accounts);
      view(instruction.data);
    }
    signatures();
  }
};

}  // namespace

std::vector<std::uint8_t> rebuild_solana(const chain::TransactionTable& table,
                                         const chain::Transaction& tx) {
  Rebuild rebuild{table, tx, {}};
  if (tx.version == 1) {
    rebuild.v1();
  } else {
    rebuild.legacy_or_v0();
  }
  return rebuild.out;
}

}  // namespace txindex::test
