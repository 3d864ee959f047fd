#include "store/sample_rows.h"

#include <algorithm>

namespace txindex::test {

Bytes SampleRows::bytes(std::size_t count) {
  auto& made = memory_.emplace_back(count);
  std::generate(made.begin(), made.end(), [this] { return static_cast<std::uint8_t>(random_()); });
  return made;
}

store::Row SampleRows::make(std::int64_t time_us, const Shape& shape) {
  auto& table = tables_.emplace_back();
  chain::Transaction t;
  t.version = shape.lookups > 0 ? std::int8_t{0} : chain::Transaction::kLegacy;
  t.raw = bytes(shape.raw_bytes);
  t.txid = bytes(64);
  for (std::size_t i = 0; i < shape.accounts; ++i) {
    const bool last = i + 1 == shape.accounts;
    const auto roles = i == 0 ? chain::kSigner | chain::kWritable | chain::kFeePayer
                              : (last ? chain::kProgram : chain::kWritable);
    table.accounts.push_back({bytes(32), static_cast<std::uint8_t>(roles)});
  }
  for (std::size_t i = 0; i < shape.instructions; ++i) {
    table.instructions.push_back(
        {static_cast<std::uint8_t>(shape.accounts - 1), bytes(i + 1), bytes(8)});
  }
  for (std::size_t i = 0; i < shape.lookups; ++i) {
    table.lookups.push_back({bytes(32), bytes(2), bytes(i)});
  }
  t.fee_payer = table.accounts.empty() ? bytes(32) : table.accounts.front().address;
  t.recent_blockhash = bytes(32);
  t.signatures = {0, 1};
  t.accounts = {0, static_cast<std::uint32_t>(shape.accounts)};
  t.instructions = {0, static_cast<std::uint32_t>(shape.instructions)};
  t.lookups = {0, static_cast<std::uint32_t>(shape.lookups)};
  table.transactions.push_back(t);
  store::Row row;
  row.table = &table;
  row.transaction = &table.transactions.front();
  row.time_us = time_us;
  row.received_us = time_us + 5;
  return row;
}

std::vector<store::Row> SampleRows::make_many(std::size_t count, std::int64_t time_us,
                                              const Shape& shape) {
  std::vector<store::Row> rows;
  for (std::size_t i = 0; i < count; ++i)
    rows.push_back(make(time_us, shape));
  return rows;
}

store::Row stamped(store::Row row, std::int64_t time_us) {
  row.time_us = time_us;
  return row;
}

}  // namespace txindex::test
