// From the bytes of a transaction to its parts.
#include <memory>

#include "txindex/chain/codec.h"

#include "stages/input.h"
#include "stages/stage.h"

namespace txindex::bench {
namespace {

// As many at a time as are in a parcel at most.
Work parse(Of of, chain::TransactionTable& table) {
  const chain::Codec& codec = *chain::find_codec(1);
  Work done;
  for (const auto& raw : transactions(of)) {
    require(codec.parse(raw, table).has_value(), "a transaction does not parse");
    ++done.transactions;
    done.bytes += raw.size();
    if (table.transactions.size() == limits::kParcelMaxTransactions) table.clear();
  }
  table.clear();
  return done;
}

}  // namespace

std::vector<Stage> parse_stages() {
  std::vector<Stage> stages;
  for (const auto& [of, name] : {std::pair(Of::transfers, "transfers"),
                                 {Of::v0, "v0"},
                                 {Of::v1, "v1"},
                                 {Of::mixed, "mixed"},
                                 {Of::mainnet, "mainnet"}}) {
    transactions(of);
    stages.push_back({std::string("parsing, ") + name,
                      [of = of, table = std::make_shared<chain::TransactionTable>()] {
                        return parse(of, *table);
                      }});
  }
  return stages;
}

}  // namespace txindex::bench
