#include "faults/bad_signatures.h"

#include <stdexcept>

#include "txindex/chain/codec.h"

#include "support/process.h"
#include "tools/transaction_reader.h"

namespace txindex::test {

std::uint64_t break_signatures(const std::string& file) {
  auto reader = tools::TransactionReader::open(file);
  if (!reader) throw std::runtime_error(reader.error().message);
  using Status = tools::TransactionReader::Status;
  tools::TransactionReader::Item item;
  chain::TransactionTable table;
  wire::Buffer out = {'T', 'X', 'S', '1'};
  std::uint64_t broken = 0;
  for (auto status = reader->next(item); *status != Status::end; status = reader->next(item)) {
    if (*status == Status::need_input) {
      reader->fill().value();
      continue;
    }
    wire::Buffer transaction(item.tx.transaction.begin(), item.tx.transaction.end());
    if (item.number % kOneInBad == 0) {
      table.clear();
      chain::find_codec(item.tx.chain)->parse(transaction, table).value();
      const auto at = table.transactions[0].recent_blockhash.data() - transaction.data();
      transaction[static_cast<std::size_t>(at)] ^= 1;
      ++broken;
    }
    wire::TxFrame tx = item.tx;
    tx.transaction = transaction;
    wire::append_tx(out, tx);
  }
  write_file(file, std::string(out.begin(), out.end()));
  return broken;
}

}  // namespace txindex::test
