// Whatever parses is the same bytes when it is put together again from its views, and whatever does
// not leaves the table as it was.
#include <cstdio>
#include <cstdlib>

#include "txindex/chain/codec.h"

#include "support/solana_rebuild.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace txindex;
  static const chain::Codec* const codec = chain::find_codec(1);
  chain::TransactionTable table;
  const Bytes raw(data, size);
  if (codec->parse(raw, table)) {
    const auto again = test::rebuild_solana(table, table.transactions.at(0));
    if (!std::equal(again.begin(), again.end(), raw.begin(), raw.end())) {
      std::fputs("put together again, it is another transaction\n", stderr);
      std::abort();
    }
  } else if (!table.transactions.empty() || !table.signatures.empty() || !table.accounts.empty() ||
             !table.instructions.empty() || !table.lookups.empty()) {
    std::fputs("a rejected transaction left something behind\n", stderr);
    std::abort();
  }
  return 0;
}
