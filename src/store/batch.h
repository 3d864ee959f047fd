// The rows of one database transaction, as PostgreSQL takes them: as arrays, the parameters of one
// statement, or as the rows of some COPYs. The statement stores what is new, whatever is there.
// COPY takes less than half of the time, and fails as a whole if one of the transactions is there.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "txindex/index_level.h"

#include "store/binary_array.h"
#include "store/binary_rows.h"
#include "store/partition.h"
#include "store/store.h"

namespace txindex::store {

// A row with the id that it has for good, however often it is sent.
struct Item {
  Row* row = nullptr;
  std::int64_t id = 0;
  std::int64_t partition_us = 0;
  std::uint64_t key_prefix = 0;  // of key_of(txid), big-endian: most comparisons end here

  static Item of(Row& row, std::int64_t id, const PartitionRule& rule);
};

// What a transaction is unique by in its partition, beside the chain: the last 24 bytes of its
// txid, or all of a shorter one (migrations/0006_short_keys.sql).
Bytes key_of(Bytes txid);

// The order in which every writer sends its rows, so that no two can wait for each other, and that
// of the index that they go into: by partition, key, txid and chain.
void sort_for_writing(std::span<Item> items);

// Of items in that order: is a transaction there twice?
bool repeats_a_transaction(std::span<const Item> items);

// In the order in which their rows are written.
enum class Table : std::uint8_t {
  boundary_transactions,
  transactions,
  accounts,
  lookups,
  instructions,
};
constexpr std::size_t kTables = 5;

// How many parameters the statement that stores a batch takes.
std::size_t parameter_count(IndexLevel level, bool with_boundary);

// nullptr, or why PostgreSQL could not take the row: found out before it is sent, because the
// limits of a type or an index are not in the error classes that single out a row.
const char* unstorable(const Row& row);

class Batch {
 public:
  Batch(IndexLevel level, PartitionRule rule) : level_(level), rule_(rule) {}

  enum class Form : std::uint8_t { arrays, rows };

  // Replaces the content. The items are in the order of sort_for_writing().
  void encode(std::span<const Item> items, Form form);

  Form form() const { return form_; }
  std::size_t rows() const { return rows_; }
  std::size_t postings() const { return postings_.size(); }
  // Whether a row is close to a boundary: the statement with the boundary table is needed.
  bool has_boundary() const { return has_boundary_; }

  // The parameters of insert_statement(level, has_boundary()), good until the next encode().
  std::vector<std::string_view> parameters();
  // As rows: the tables that get some, with what COPY to them takes, good until the next encode().
  struct Copy {
    Table table;
    std::string_view data;
  };
  std::vector<Copy> copies();
  // (ts, id), to ask which rows are there. As arrays only.
  std::array<std::string_view, 2> keys() { return {ts_.finish(), id_.finish()}; }

 private:
  struct Posting {
    std::uint64_t prefix;
    const chain::Account* account;
    const Item* item;
  };

  // Where the values of a row go: each to the array of its column, or one behind the other.
  class Sink {
   public:
    explicit Sink(BinaryRows* rows) : rows_(rows) {}
    BinaryFields& operator()(BinaryArray& column) const {
      if (rows_ != nullptr) return *rows_;
      return column;
    }

   private:
    BinaryRows* rows_;
  };

  Sink begin_row(Table table);
  void add_row(const Item& item);
  void add_boundary(const Item& item);
  void add_boundary_rows();
  void add_lookups(const Item& item);
  void add_instructions(const Item& item);
  void add_postings(std::span<const Item> items);
  std::vector<BinaryArray*> arrays();

  IndexLevel level_;
  PartitionRule rule_;
  Form form_ = Form::arrays;
  std::size_t rows_ = 0;
  bool has_boundary_ = false;
  std::vector<Posting> postings_;
  std::vector<std::pair<std::int64_t, const Item*>> boundary_items_;
  std::array<BinaryRows, kTables> tables_;

  BinaryArray ts_{ElementType::timestamptz};
  BinaryArray id_{ElementType::int8};
  BinaryArray slot_{ElementType::int8};
  BinaryArray received_at_{ElementType::timestamptz};
  BinaryArray chain_{ElementType::int2};
  BinaryArray version_{ElementType::int2};
  BinaryArray signature_count_{ElementType::int2};
  BinaryArray account_count_{ElementType::int2};
  BinaryArray instruction_count_{ElementType::int2};
  BinaryArray txid_{ElementType::bytea};
  BinaryArray fee_payer_{ElementType::bytea};
  BinaryArray recent_blockhash_{ElementType::bytea};
  BinaryArray raw_{ElementType::bytea};
  BinaryArray boundary_{ElementType::timestamptz};

  BinaryArray posting_ts_{ElementType::timestamptz};
  BinaryArray posting_id_{ElementType::int8};
  BinaryArray posting_chain_{ElementType::int2};
  BinaryArray posting_roles_{ElementType::int2};
  BinaryArray posting_account_{ElementType::bytea};

  BinaryArray lookup_ts_{ElementType::timestamptz};
  BinaryArray lookup_id_{ElementType::int8};
  BinaryArray lookup_chain_{ElementType::int2};
  BinaryArray lookup_ordinal_{ElementType::int2};
  BinaryArray lookup_table_{ElementType::bytea};
  BinaryArray lookup_writable_{ElementType::bytea};
  BinaryArray lookup_readonly_{ElementType::bytea};

  BinaryArray instruction_ts_{ElementType::timestamptz};
  BinaryArray instruction_id_{ElementType::int8};
  BinaryArray instruction_chain_{ElementType::int2};
  BinaryArray instruction_ordinal_{ElementType::int2};
  BinaryArray instruction_program_{ElementType::bytea};
  BinaryArray instruction_accounts_{ElementType::bytea};
  BinaryArray instruction_data_{ElementType::bytea};
};

}  // namespace txindex::store
