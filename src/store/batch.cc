#include "store/batch.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>

namespace txindex::store {
namespace {

std::uint64_t prefix_of(Bytes bytes) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < 8; ++i)
    prefix = prefix << 8 | (i < bytes.size() ? bytes[i] : 0);
  return prefix;
}

// As PostgreSQL compares bytea.
int compare(Bytes a, Bytes b) {
  const std::size_t n = std::min(a.size(), b.size());
  const int order = n == 0 ? 0 : std::memcmp(a.data(), b.data(), n);
  if (order != 0) return order;
  return a.size() < b.size() ? -1 : static_cast<int>(a.size() > b.size());
}

// Within what timestamptz, and the names of partitions, can say: years 1970 to 9999.
bool dated(std::int64_t time_us) {
  return time_us >= 0 && time_us < 253'402'300'800'000'000;
}

// A third of a page bounds what a b-tree takes.
constexpr std::size_t kKeyMaxBytes = 1024;
constexpr std::uint32_t kCountMax = std::numeric_limits<std::int16_t>::max();

std::int16_t small(std::size_t count) {
  return static_cast<std::int16_t>(count);
}

// Of one table: in this order are the rows that COPY takes (statements.cc).
constexpr std::int16_t kFields[kTables] = {4, 13, 5, 7, 7};

void add_key(const Item& item, BinaryFields& ts, BinaryFields& id, BinaryFields& chain) {
  ts.add_time(item.row->time_us);
  id.add_int8(item.id);
  chain.add_int2(static_cast<std::int16_t>(item.row->transaction->chain));
}

// By key, txid and chain; 0 if all are the same.
int compare_keys(const Item& a, const Item& b) {
  if (a.key_prefix != b.key_prefix) return a.key_prefix < b.key_prefix ? -1 : 1;
  const auto& x = *a.row->transaction;
  const auto& y = *b.row->transaction;
  int order = compare(key_of(x.txid), key_of(y.txid));
  if (order == 0) order = compare(x.txid, y.txid);
  if (order != 0) return order;
  return x.chain == y.chain ? 0 : x.chain < y.chain ? -1 : 1;
}

}  // namespace

Bytes key_of(Bytes txid) {
  return txid.last(std::min<std::size_t>(txid.size(), 24));
}

Item Item::of(Row& row, std::int64_t id, const PartitionRule& rule) {
  return {&row, id, rule.partition_of(row.time_us), prefix_of(key_of(row.transaction->txid))};
}

void sort_for_writing(std::span<Item> items) {
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    if (a.partition_us != b.partition_us) return a.partition_us < b.partition_us;
    const int order = compare_keys(a, b);
    return order != 0 ? order < 0 : a.id < b.id;
  });
}

bool repeats_a_transaction(std::span<const Item> items) {
  const auto same = [](const Item& a, const Item& b) {
    return a.partition_us == b.partition_us && compare_keys(a, b) == 0;
  };
  return std::adjacent_find(items.begin(), items.end(), same) != items.end();
}

const char* unstorable(const Row& row) {
  const chain::Transaction& t = *row.transaction;
  if (!dated(row.time_us) || !dated(row.received_us)) return "its time stamp is out of range";
  if (row.has_slot &&
      row.slot > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return "its slot is out of range";
  if (t.txid.empty() || t.txid.size() > kKeyMaxBytes) return "its id is too long";
  const auto counts = {t.signatures.count, t.accounts.count, t.instructions.count, t.lookups.count};
  if (std::max(counts) > kCountMax) return "it has too many parts";
  for (const auto& account : row.table->accounts_of(t)) {
    if (account.address.size() > kKeyMaxBytes) return "an address is too long";
  }
  for (const auto& lookup : row.table->lookups_of(t)) {
    if (lookup.table.size() > kKeyMaxBytes) return "an address is too long";
  }
  return nullptr;
}

void Batch::encode(std::span<const Item> items, Form form) {
  form_ = form;
  for (BinaryArray* array : arrays())
    array->clear();
  for (BinaryRows& table : tables_)
    table.clear();
  rows_ = items.size();
  has_boundary_ = false;
  boundary_items_.clear();
  postings_.clear();
  for (const Item& item : items) {
    add_row(item);
    add_boundary(item);
    if (level_ >= IndexLevel::accounts) add_lookups(item);
    if (level_ >= IndexLevel::instructions) add_instructions(item);
  }
  add_boundary_rows();
  if (level_ >= IndexLevel::accounts) add_postings(items);
}

Batch::Sink Batch::begin_row(Table table) {
  if (form_ == Form::arrays) return Sink(nullptr);
  const auto which = static_cast<std::size_t>(table);
  tables_[which].begin_row(kFields[which]);
  return Sink(&tables_[which]);
}

void Batch::add_row(const Item& item) {
  const Row& row = *item.row;
  const chain::Transaction& t = *row.transaction;
  const Sink to = begin_row(Table::transactions);
  add_key(item, to(ts_), to(id_), to(chain_));
  if (row.has_slot) {
    to(slot_).add_int8(static_cast<std::int64_t>(row.slot));
  } else {
    to(slot_).add_null();
  }
  to(received_at_).add_time(row.received_us);
  to(version_).add_int2(t.version);
  to(signature_count_).add_int2(small(t.signatures.count));
  to(account_count_).add_int2(small(t.accounts.count));
  to(instruction_count_).add_int2(small(t.instructions.count));
  to(txid_).add_bytes(t.txid);
  to(fee_payer_).add_bytes(t.fee_payer);
  to(recent_blockhash_).add_bytes(t.recent_blockhash);
  to(raw_).add_bytes(t.raw);
}

void Batch::add_boundary(const Item& item) {
  const auto boundary = rule_.boundary_of(item.row->time_us);
  if (boundary) has_boundary_ = true;
  if (form_ == Form::rows) {
    if (boundary) boundary_items_.emplace_back(*boundary, &item);
  } else if (boundary) {
    boundary_.add_time(*boundary);
  } else {
    boundary_.add_null();
  }
}

// In the order in which the statement takes the keys of boundaries, too.
void Batch::add_boundary_rows() {
  std::sort(boundary_items_.begin(), boundary_items_.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : compare_keys(*a.second, *b.second) < 0;
  });
  for (const auto& [boundary, item] : boundary_items_) {
    begin_row(Table::boundary_transactions);
    BinaryRows& row = tables_[static_cast<std::size_t>(Table::boundary_transactions)];
    row.add_time(boundary);
    row.add_int8(item->id);
    row.add_int2(static_cast<std::int16_t>(item->row->transaction->chain));
    row.add_bytes(item->row->transaction->txid);
  }
}

void Batch::add_lookups(const Item& item) {
  std::size_t ordinal = 0;
  for (const auto& lookup : item.row->table->lookups_of(*item.row->transaction)) {
    const Sink to = begin_row(Table::lookups);
    add_key(item, to(lookup_ts_), to(lookup_id_), to(lookup_chain_));
    to(lookup_ordinal_).add_int2(small(ordinal++));
    to(lookup_table_).add_bytes(lookup.table);
    to(lookup_writable_).add_bytes(lookup.writable);
    to(lookup_readonly_).add_bytes(lookup.readonly);
  }
}

void Batch::add_instructions(const Item& item) {
  const auto accounts = item.row->table->accounts_of(*item.row->transaction);
  std::size_t ordinal = 0;
  for (const auto& instruction : item.row->table->instructions_of(*item.row->transaction)) {
    const Sink to = begin_row(Table::instructions);
    add_key(item, to(instruction_ts_), to(instruction_id_), to(instruction_chain_));
    to(instruction_ordinal_).add_int2(small(ordinal++));
    assert(instruction.program < accounts.size());
    to(instruction_program_).add_bytes(accounts[instruction.program].address);
    to(instruction_accounts_).add_bytes(instruction.accounts);
    to(instruction_data_).add_bytes(instruction.data);
  }
}

// In the order of their index, which they then fill from one side to the other.
void Batch::add_postings(std::span<const Item> items) {
  for (const Item& item : items) {
    for (const auto& account : item.row->table->accounts_of(*item.row->transaction)) {
      postings_.push_back({prefix_of(account.address), &account, &item});
    }
  }
  std::sort(postings_.begin(), postings_.end(), [](const Posting& a, const Posting& b) {
    if (a.item->partition_us != b.item->partition_us)
      return a.item->partition_us < b.item->partition_us;
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    const int order = compare(a.account->address, b.account->address);
    if (order != 0) return order < 0;
    if (a.item->row->time_us != b.item->row->time_us)
      return a.item->row->time_us < b.item->row->time_us;
    return a.item->id < b.item->id;
  });
  for (const Posting& posting : postings_) {
    const Sink to = begin_row(Table::accounts);
    add_key(*posting.item, to(posting_ts_), to(posting_id_), to(posting_chain_));
    to(posting_roles_).add_int2(posting.account->roles);
    to(posting_account_).add_bytes(posting.account->address);
  }
}

std::vector<BinaryArray*> Batch::arrays() {
  return {&ts_,
          &id_,
          &slot_,
          &received_at_,
          &chain_,
          &version_,
          &signature_count_,
          &account_count_,
          &instruction_count_,
          &txid_,
          &fee_payer_,
          &recent_blockhash_,
          &raw_,
          &posting_ts_,
          &posting_id_,
          &posting_chain_,
          &posting_roles_,
          &posting_account_,
          &lookup_ts_,
          &lookup_id_,
          &lookup_chain_,
          &lookup_ordinal_,
          &lookup_table_,
          &lookup_writable_,
          &lookup_readonly_,
          &instruction_ts_,
          &instruction_id_,
          &instruction_chain_,
          &instruction_ordinal_,
          &instruction_program_,
          &instruction_accounts_,
          &instruction_data_,
          &boundary_};
}

std::size_t parameter_count(IndexLevel level, bool with_boundary) {
  constexpr std::size_t counts[] = {13, 25, 32};
  return counts[static_cast<std::size_t>(level)] + (with_boundary ? 1 : 0);
}

std::vector<Batch::Copy> Batch::copies() {
  assert(form_ == Form::rows);
  std::vector<Copy> all;
  for (std::size_t i = 0; i < kTables; ++i) {
    if (!tables_[i].empty()) all.push_back({static_cast<Table>(i), tables_[i].finish()});
  }
  return all;
}

std::vector<std::string_view> Batch::parameters() {
  assert(form_ == Form::arrays);
  std::vector<std::string_view> all;
  for (BinaryArray* array : arrays()) {
    if (all.size() == parameter_count(level_, false)) break;
    all.push_back(array->finish());
  }
  if (has_boundary_) all.push_back(boundary_.finish());
  return all;
}

}  // namespace txindex::store
