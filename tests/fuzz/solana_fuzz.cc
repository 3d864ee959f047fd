// What parses is the same bytes when it is put together again from its views, and passes a second,
// independent reading; what does not parse fails there too, and leaves the table as it was.
#include "txindex/chain/codec.h"

#include "fuzz/target.h"
#include "support/solana_reading.h"
#include "support/solana_rebuild.h"

TXINDEX_FUZZ_TARGET(solana) {
  using namespace txindex;
  static const chain::Codec* const codec = chain::find_codec(1);
  chain::TransactionTable table;
  const bool parsed = codec->parse(input, table).has_value();
  const auto reading = test::read_solana(input);
  fuzz::require(parsed == reading.has_value(), "both readings accept, or both do not");
  if (!parsed) {
    fuzz::require(table.transactions.empty() && table.signatures.empty() &&
                      table.accounts.empty() && table.instructions.empty() && table.lookups.empty(),
                  "a rejected transaction leaves nothing behind");
    return;
  }
  const auto& tx = table.transactions.at(0);
  const auto again = test::rebuild_solana(table, tx);
  fuzz::require(std::equal(again.begin(), again.end(), input.begin(), input.end()),
                "put together again, it is the same transaction");
  const auto same = [](Bytes a, Bytes b) { return a.data() == b.data() && a.size() == b.size(); };
  fuzz::require(tx.version == reading->version && same(tx.txid, reading->signatures.at(0)) &&
                    same(tx.message, reading->message) &&
                    same(tx.fee_payer, reading->addresses.at(0)) &&
                    same(tx.recent_blockhash, reading->blockhash),
                "both readings see the same parts");
  fuzz::require(tx.signatures.count == reading->signatures.size() &&
                    tx.accounts.count == reading->addresses.size() &&
                    tx.instructions.count == reading->instructions &&
                    tx.lookups.count == reading->lookups,
                "both readings count the same parts");
  const auto accounts = table.accounts_of(tx);
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    fuzz::require(same(accounts[i].address, reading->addresses[i]), "both see the same accounts");
    fuzz::require(accounts[i].roles == reading->roles[i], "both give an account the same roles");
  }
}
