#include "faults/sent_files.h"

#include <fstream>
#include <functional>
#include <stdexcept>

#include "txindex/chain/codec.h"

#include "tools/transaction_reader.h"

namespace txindex::test {
namespace {

constexpr std::int64_t kMinuteUs = 60'000'000;
constexpr std::int64_t kFromBoundaryUs = 14'000'000;

using Each = std::function<void(std::uint64_t number, wire::TxFrame tx, const chain::Transaction&,
                                wire::Buffer& out)>;

// `each` appends what becomes of one.
void rewrite(const std::string& from, const std::string& to, const Each& each) {
  auto reader = tools::TransactionReader::open(from);
  if (!reader) throw std::runtime_error(reader.error().message);
  std::ofstream file(to, std::ios::binary);
  file << "TXS1";
  using Status = tools::TransactionReader::Status;
  tools::TransactionReader::Item item;
  chain::TransactionTable table;
  wire::Buffer out;
  for (auto status = reader->next(item); *status != Status::end; status = reader->next(item)) {
    if (*status == Status::need_input) {
      reader->fill().value();
      continue;
    }
    table.clear();
    chain::find_codec(item.tx.chain)->parse(item.tx.transaction, table).value();
    out.clear();
    each(item.number, item.tx, table.transactions[0], out);
    file << as_text(out);
  }
  if (!file.flush()) throw std::runtime_error("cannot write " + to);
}

}  // namespace

std::vector<SentTable::Key> break_signatures(const std::string& from, const std::string& to) {
  std::vector<SentTable::Key> broken;
  rewrite(
      from, to,
      [&](std::uint64_t number, wire::TxFrame tx, const chain::Transaction& t, wire::Buffer& out) {
        wire::Buffer bytes(tx.transaction.begin(), tx.transaction.end());
        if (number % kOneInBad == 0) {
          bytes[static_cast<std::size_t>(t.recent_blockhash.data() - t.raw.data())] ^= 1;
          broken.push_back(SentTable::key_of(t.txid));
        }
        tx.time_us.reset();
        tx.slot = static_cast<std::uint64_t>(slot_of(t.txid));
        tx.transaction = bytes;
        wire::append_tx(out, tx);
      });
  return broken;
}

void stamp_variously(const std::string& from, const std::string& to, std::int64_t now_us) {
  const std::int64_t boundary_us = (now_us + kMinuteUs / 2) / kMinuteUs * kMinuteUs;
  rewrite(
      from, to,
      [&](std::uint64_t number, wire::TxFrame tx, const chain::Transaction&, wire::Buffer& out) {
        tx.time_us.reset();
        if (number % 2 == 0) return wire::append_tx(out, tx);
        const auto from_boundary_us =
            1 + static_cast<std::int64_t>(number * 7919 % kFromBoundaryUs);
        for (const std::int64_t stamp_us :
             {boundary_us - from_boundary_us, boundary_us + kFromBoundaryUs - from_boundary_us}) {
          tx.time_us = stamp_us;
          wire::append_tx(out, tx);
        }
      });
}

}  // namespace txindex::test
