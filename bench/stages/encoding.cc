// From parsed transactions to what PostgreSQL is sent: one batch, as a writer makes it, for COPY
// and as the parameters of a statement.
#include <memory>

#include "txindex/chain/codec.h"

#include "stages/input.h"
#include "stages/stage.h"
#include "store/batch.h"

namespace txindex::bench {
namespace {

using store::Batch;

// The defaults of partition.interval and dedup.window.
constexpr store::PartitionRule kRule = {.interval_us = 3'600'000'000, .window_us = 600'000'000};

class Encoding {
 public:
  Encoding(Of of, IndexLevel level, Batch::Form form)
      : form_(form), batch_(level, kRule), bytes_(total_bytes(of)) {
    for (const auto& raw : transactions(of))
      require(chain::find_codec(1)->parse(raw, table_).has_value(), "a transaction does not parse");
    for (std::size_t i = 0; i < table_.transactions.size(); ++i) {
      rows_.push_back({.table = &table_,
                       .transaction = &table_.transactions[i],
                       .time_us = kTime + static_cast<std::int64_t>(i),
                       .received_us = kTime});
    }
  }

  Work encode() {
    items_.clear();
    std::int64_t id = 1;
    for (store::Row& row : rows_) {
      require(store::unstorable(row) == nullptr, "a row cannot be stored");
      items_.push_back(store::Item::of(row, id++, kRule));
    }
    store::sort_for_writing(items_);
    require(!store::repeats_a_transaction(items_), "a transaction is there twice");
    batch_.encode(items_, form_);
    std::size_t encoded = 0;
    if (form_ == Batch::Form::rows) {
      for (const auto& copy : batch_.copies())
        encoded += copy.data.size();
    } else {
      for (const auto& parameter : batch_.parameters())
        encoded += parameter.size();
    }
    require(encoded > bytes_, "less is encoded than there was");
    return {rows_.size(), bytes_};
  }

 private:
  const Batch::Form form_;
  Batch batch_;
  const std::size_t bytes_;
  chain::TransactionTable table_;
  std::vector<store::Row> rows_;
  std::vector<store::Item> items_;
};

}  // namespace

std::vector<Stage> encode_stages() {
  std::vector<Stage> stages;
  const auto add = [&](const std::string& name, Of of, IndexLevel level, Batch::Form form) {
    auto encoding = std::make_shared<Encoding>(of, level, form);
    stages.push_back({name, [encoding] { return encoding->encode(); }});
  };
  for (const auto& [level, name] : {std::pair(IndexLevel::transactions, "transactions"),
                                    {IndexLevel::accounts, "accounts"},
                                    {IndexLevel::instructions, "instructions"}}) {
    add(std::string("COPY, ") + name, Of::transfers, level, Batch::Form::rows);
    add(std::string("parameters, ") + name, Of::transfers, level, Batch::Form::arrays);
  }
  add("COPY, instructions, mixed", Of::mixed, IndexLevel::instructions, Batch::Form::rows);
  return stages;
}

}  // namespace txindex::bench
