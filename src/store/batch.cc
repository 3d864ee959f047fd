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

void add_key(const Item& item, BinaryArray& ts, BinaryArray& id, BinaryArray& chain) {
  ts.add_time(item.row->time_us);
  id.add_int8(item.id);
  chain.add_int2(static_cast<std::int16_t>(item.row->transaction->chain));
}

}  // namespace

Item Item::of(Row& row, std::int64_t id, const PartitionRule& rule) {
  return {&row, id, rule.partition_of(row.time_us), prefix_of(row.transaction->txid)};
}

void sort_for_writing(std::span<Item> items) {
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    if (a.partition_us != b.partition_us) return a.partition_us < b.partition_us;
    if (a.txid_prefix != b.txid_prefix) return a.txid_prefix < b.txid_prefix;
    const auto& x = *a.row->transaction;
    const auto& y = *b.row->transaction;
    const int order = compare(x.txid, y.txid);
    if (order != 0) return order < 0;
    if (x.chain != y.chain) return x.chain < y.chain;
    return a.id < b.id;
  });
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

void Batch::encode(std::span<const Item> items) {
  for (BinaryArray* array : arrays())
    array->clear();
  has_boundary_ = false;
  for (const Item& item : items) {
    add_row(item);
    if (level_ >= IndexLevel::accounts) add_lookups(item);
    if (level_ >= IndexLevel::instructions) add_instructions(item);
  }
  if (level_ >= IndexLevel::accounts) add_postings(items);
}

void Batch::add_row(const Item& item) {
  const Row& row = *item.row;
  const chain::Transaction& t = *row.transaction;
  add_key(item, ts_, id_, chain_);
  if (row.has_slot) {
    slot_.add_int8(static_cast<std::int64_t>(row.slot));
  } else {
    slot_.add_null();
  }
  received_at_.add_time(row.received_us);
  version_.add_int2(t.version);
  signature_count_.add_int2(small(t.signatures.count));
  account_count_.add_int2(small(t.accounts.count));
  instruction_count_.add_int2(small(t.instructions.count));
  txid_.add_bytes(t.txid);
  fee_payer_.add_bytes(t.fee_payer);
  recent_blockhash_.add_bytes(t.recent_blockhash);
  raw_.add_bytes(t.raw);
  if (const auto boundary = rule_.boundary_of(row.time_us)) {
    boundary_.add_time(*boundary);
    has_boundary_ = true;
  } else {
    boundary_.add_null();
  }
}

void Batch::add_lookups(const Item& item) {
  std::size_t ordinal = 0;
  for (const auto& lookup : item.row->table->lookups_of(*item.row->transaction)) {
    add_key(item, lookup_ts_, lookup_id_, lookup_chain_);
    lookup_ordinal_.add_int2(small(ordinal++));
    lookup_table_.add_bytes(lookup.table);
    lookup_writable_.add_bytes(lookup.writable);
    lookup_readonly_.add_bytes(lookup.readonly);
  }
}

void Batch::add_instructions(const Item& item) {
  const auto accounts = item.row->table->accounts_of(*item.row->transaction);
  std::size_t ordinal = 0;
  for (const auto& instruction : item.row->table->instructions_of(*item.row->transaction)) {
    add_key(item, instruction_ts_, instruction_id_, instruction_chain_);
    instruction_ordinal_.add_int2(small(ordinal++));
    assert(instruction.program < accounts.size());
    instruction_program_.add_bytes(accounts[instruction.program].address);
    instruction_accounts_.add_bytes(instruction.accounts);
    instruction_data_.add_bytes(instruction.data);
  }
}

// In the order of their index, which they then fill from one side to the other.
void Batch::add_postings(std::span<const Item> items) {
  postings_.clear();
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
    add_key(*posting.item, posting_ts_, posting_id_, posting_chain_);
    posting_roles_.add_int2(posting.account->roles);
    posting_account_.add_bytes(posting.account->address);
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

std::vector<std::string_view> Batch::parameters() {
  std::vector<std::string_view> all;
  for (BinaryArray* array : arrays()) {
    if (all.size() == parameter_count(level_, false)) break;
    all.push_back(array->finish());
  }
  if (has_boundary_) all.push_back(boundary_.finish());
  return all;
}

}  // namespace txindex::store
