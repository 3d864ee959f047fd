// What points to rows: accounts, lookup tables, instructions. Each as bytes, which are equal if
// they say the same; one reading is of the database, the other of a transaction that was parsed.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "txindex/chain/transaction.h"
#include "txindex/index_level.h"

#include "faults/row_stream.h"

namespace txindex::test {

using RowKey = std::pair<std::int64_t, std::int64_t>;  // ts, id
using Posting = std::vector<std::uint8_t>;

enum class PostingKind : std::uint8_t { account, lookup, instruction };
inline constexpr PostingKind kPostingKinds[] = {PostingKind::account, PostingKind::lookup,
                                                PostingKind::instruction};

// From which level on there are any.
IndexLevel level_of(PostingKind kind);

// Those of a transaction, sorted.
std::vector<Posting> postings_of(PostingKind kind, const chain::TransactionTable& table,
                                 const chain::Transaction& transaction);

// All of a kind that the database has, in the order of the rows.
class Postings {
 public:
  Postings(Snapshot& snapshot, PostingKind kind);

  // Those of the row `key`, sorted. What stands before it, and so belongs to no row, is counted.
  std::vector<Posting> take(const RowKey& key, std::uint64_t& orphans);
  // How many are left.
  std::uint64_t rest();

 private:
  bool have();

  RowStream rows_;
  const PostingKind kind_;
  RowKey key_{};
  int at_ = 0;
  int size_ = 0;
  bool ended_ = false;
};

}  // namespace txindex::test
