#include "faults/postings.h"

#include <algorithm>

namespace txindex::test {
namespace {

// Columns that all begin with.
enum Column { kTs, kId, kChain, kOrdinal, kFirst, kSecond, kThird };

struct PostingStream {
  const char* name;  // of the stream
  const char* query;
  IndexLevel from;
};

constexpr PostingStream kStreams[] = {
    {"of_accounts",
     "SELECT ts, id, chain, roles, account FROM txindex.transaction_accounts ORDER BY ts, id",
     IndexLevel::accounts},
    {"of_lookups",
     "SELECT ts, id, chain, ordinal, lookup_table, writable, readonly"
     " FROM txindex.transaction_lookups ORDER BY ts, id",
     IndexLevel::accounts},
    {"of_instructions",
     "SELECT ts, id, chain, ordinal, program, accounts, data FROM txindex.instructions"
     " ORDER BY ts, id",
     IndexLevel::instructions},
};

const PostingStream& of(PostingKind kind) {
  return kStreams[static_cast<std::size_t>(kind)];
}

// `number`: roles, or the ordinal.
Posting posting(std::int64_t chain, std::int64_t number, std::initializer_list<Bytes> parts) {
  Posting out = {static_cast<std::uint8_t>(chain), static_cast<std::uint8_t>(number),
                 static_cast<std::uint8_t>(number >> 8)};
  for (const Bytes part : parts) {
    out.push_back(static_cast<std::uint8_t>(part.size()));
    out.push_back(static_cast<std::uint8_t>(part.size() >> 8));
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

Posting read(PostingKind kind, const RowStream& rows, int row) {
  const std::int64_t chain = rows.number(row, kChain);
  const std::int64_t number = rows.number(row, kOrdinal);
  if (kind == PostingKind::account) return posting(chain, number, {rows.bytes(row, kFirst)});
  return posting(chain, number,
                 {rows.bytes(row, kFirst), rows.bytes(row, kSecond), rows.bytes(row, kThird)});
}

}  // namespace

IndexLevel level_of(PostingKind kind) {
  return of(kind).from;
}

std::vector<Posting> postings_of(PostingKind kind, const chain::TransactionTable& table,
                                 const chain::Transaction& transaction) {
  std::vector<Posting> all;
  const std::int64_t chain = static_cast<std::int64_t>(transaction.chain);
  const auto accounts = table.accounts_of(transaction);
  std::int64_t ordinal = 0;
  switch (kind) {
    case PostingKind::account:
      for (const auto& account : accounts)
        all.push_back(posting(chain, account.roles, {account.address}));
      break;
    case PostingKind::lookup:
      for (const auto& lookup : table.lookups_of(transaction))
        all.push_back(posting(chain, ordinal++, {lookup.table, lookup.writable, lookup.readonly}));
      break;
    case PostingKind::instruction:
      for (const auto& one : table.instructions_of(transaction)) {
        all.push_back(
            posting(chain, ordinal++, {accounts[one.program].address, one.accounts, one.data}));
      }
      break;
  }
  std::sort(all.begin(), all.end());
  return all;
}

Postings::Postings(Snapshot& snapshot, PostingKind kind)
    : rows_(snapshot, of(kind).name, of(kind).query), kind_(kind) {}

std::vector<Posting> Postings::take(const RowKey& key, std::uint64_t& orphans) {
  std::vector<Posting> found;
  for (; have() && key_ <= key; ++at_) {
    if (key_ == key) {
      found.push_back(read(kind_, rows_, at_));
    } else {
      ++orphans;
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::uint64_t Postings::rest() {
  std::uint64_t n = 0;
  for (; have(); ++at_)
    ++n;
  return n;
}

bool Postings::have() {
  if (at_ == size_) {
    if (ended_ || !rows_.next_portion()) {
      ended_ = true;
      return false;
    }
    at_ = 0;
    size_ = rows_.rows();
  }
  key_ = {rows_.time_us(at_, kTs), rows_.number(at_, kId)};
  return true;
}

}  // namespace txindex::test
