#include "faults/oracle.h"

#include <sodium.h>

#include <algorithm>
#include <future>
#include <optional>
#include <thread>
#include <tuple>

#include "txindex/chain/codec.h"

#include "faults/row_stream.h"
#include "faults/sent_table.h"

namespace txindex::test {
namespace {

using Told = SentTable::Told;

// Of txindex.transactions, in the order of the query.
enum Column {
  kTs,
  kId,
  kChain,
  kVersion,
  kSignatures,
  kAccountCount,
  kInstructions,
  kTxid,
  kPayer,
  kHash,
  kRaw
};
constexpr const char* kRows =
    "SELECT ts, id, chain, version, signature_count, account_count, instruction_count, txid,"
    " fee_payer, recent_blockhash, raw FROM txindex.transactions ORDER BY ts, id";
constexpr const char* kAccounts =
    "SELECT ts, id, chain, account, roles FROM txindex.transaction_accounts"
    " ORDER BY ts, id, account, roles";
constexpr const char* kLookups =
    "SELECT ts, id, chain, lookup_table, ordinal, writable, readonly"
    " FROM txindex.transaction_lookups ORDER BY ts, id, ordinal";

using Key = std::pair<std::int64_t, std::int64_t>;  // ts, id
// Something that points to a row, as bytes: equal if it says the same.
using Posting = std::vector<std::uint8_t>;

void append(Posting& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

Posting account_posting(std::int64_t chain_id, Bytes address, std::int64_t roles) {
  Posting posting = {static_cast<std::uint8_t>(chain_id), static_cast<std::uint8_t>(roles)};
  append(posting, address);
  return posting;
}

Posting lookup_posting(std::int64_t chain_id, std::int64_t ordinal, Bytes table, Bytes writable,
                       Bytes readonly) {
  Posting posting = {static_cast<std::uint8_t>(chain_id), static_cast<std::uint8_t>(ordinal),
                     static_cast<std::uint8_t>(writable.size())};
  append(posting, table);
  append(posting, writable);
  append(posting, readonly);
  return posting;
}

// What points to rows, in the order of the rows.
class Postings {
 public:
  using Read = Posting (*)(const RowStream& rows, int row);
  Postings(Snapshot& snapshot, const std::string& name, const std::string& query, Read read)
      : rows_(snapshot, name, query), read_(read) {}

  // Those of the row `key`, sorted. What stands before it, and so belongs to no row, is counted.
  std::vector<Posting> take(const Key& key, std::uint64_t& orphans) {
    std::vector<Posting> found;
    for (; have() && key_ <= key; ++at_) {
      if (key_ == key) {
        found.push_back(read_(rows_, at_));
      } else {
        ++orphans;
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  std::uint64_t rest() {
    std::uint64_t n = 0;
    for (; have(); ++at_)
      ++n;
    return n;
  }

 private:
  bool have() {
    if (at_ == size_) {
      if (ended_ || !rows_.next_portion()) {
        ended_ = true;
        return false;
      }
      at_ = 0;
      size_ = rows_.rows();
    }
    key_ = {rows_.time_us(at_, 0), rows_.number(at_, 1)};
    return true;
  }

  RowStream rows_;
  const Read read_;
  Key key_{};
  int at_ = 0;
  int size_ = 0;
  bool ended_ = false;
};

// What the bytes of one row say, and whether that is what its columns say.
struct Reading {
  bool verified = false;
  bool columns_agree = false;
  std::uint64_t signatures = 0;
  std::vector<Posting> accounts;
  std::vector<Posting> lookups;
};

bool verifies(const chain::TransactionTable& table, const chain::Transaction& transaction) {
  const auto checks = table.signatures_of(transaction);
  return !checks.empty() && std::all_of(checks.begin(), checks.end(), [&](const auto& check) {
    return check.signature.size() == crypto_sign_BYTES &&
           check.public_key.size() == crypto_sign_PUBLICKEYBYTES &&
           crypto_sign_verify_detached(check.signature.data(), transaction.message.data(),
                                       transaction.message.size(), check.public_key.data()) == 0;
  });
}

Reading read_row(const RowStream& rows, int row, chain::TransactionTable& table) {
  Reading reading;
  const std::int64_t chain_id = rows.number(row, kChain);
  const chain::Codec* codec = chain::find_codec(static_cast<std::uint8_t>(chain_id));
  table.clear();
  if (codec == nullptr || !codec->parse(rows.bytes(row, kRaw), table)) return reading;
  const chain::Transaction& t = table.transactions[0];
  reading.verified = verifies(table, t);
  reading.signatures = t.signatures.count;
  const auto same = [&](Column column, Bytes bytes) {
    return std::ranges::equal(rows.bytes(row, column), bytes);
  };
  reading.columns_agree = same(kTxid, t.txid) && same(kPayer, t.fee_payer) &&
                          same(kHash, t.recent_blockhash) &&
                          rows.number(row, kVersion) == t.version &&
                          rows.number(row, kSignatures) == t.signatures.count &&
                          rows.number(row, kAccountCount) == t.accounts.count &&
                          rows.number(row, kInstructions) == t.instructions.count;
  for (const auto& account : table.accounts_of(t))
    reading.accounts.push_back(account_posting(chain_id, account.address, account.roles));
  std::int64_t ordinal = 0;
  for (const auto& lookup : table.lookups_of(t)) {
    reading.lookups.push_back(
        lookup_posting(chain_id, ordinal++, lookup.table, lookup.writable, lookup.readonly));
  }
  std::sort(reading.accounts.begin(), reading.accounts.end());
  std::sort(reading.lookups.begin(), reading.lookups.end());
  return reading;
}

// All of a portion, on every core: checking signatures is nearly all of the work.
std::vector<Reading> read_portion(const RowStream& rows) {
  std::vector<Reading> readings(static_cast<std::size_t>(rows.rows()));
  const auto threads = static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
  std::vector<std::future<void>> parts;
  for (int part = 0; part < threads; ++part) {
    parts.push_back(std::async(std::launch::async, [&, part] {
      chain::TransactionTable table;
      for (int row = part; row < rows.rows(); row += threads)
        readings[static_cast<std::size_t>(row)] = read_row(rows, row, table);
    }));
  }
  for (auto& part : parts)
    part.get();
  return readings;
}

class Judge {
 public:
  Judge(const Evidence& evidence, SentTable& sent, Counts& counts)
      : sent_(sent), counts_(counts), snapshot_(evidence.database) {
    if (evidence.level < IndexLevel::accounts) return;
    accounts_.emplace(snapshot_, "of_accounts", kAccounts, [](const RowStream& rows, int row) {
      return account_posting(rows.number(row, 2), rows.bytes(row, 3), rows.number(row, 4));
    });
    lookups_.emplace(snapshot_, "of_lookups", kLookups, [](const RowStream& rows, int row) {
      return lookup_posting(rows.number(row, 2), rows.number(row, 4), rows.bytes(row, 3),
                            rows.bytes(row, 5), rows.bytes(row, 6));
    });
  }

  void run() {
    RowStream rows(snapshot_, "of_rows", kRows);
    while (rows.next_portion()) {
      const auto readings = read_portion(rows);
      for (int row = 0; row < rows.rows(); ++row)
        judge_row(rows, row, readings[static_cast<std::size_t>(row)]);
    }
    if (accounts_) counts_.wrong_postings += accounts_->rest() + lookups_->rest();
    for (const auto& entry : sent_.entries()) {
      counts_.acked_missing += entry.told == Told::acked && entry.rows == 0;
    }
  }

 private:
  void judge_row(const RowStream& rows, int row, const Reading& reading) {
    ++counts_.rows;
    counts_.signatures += reading.signatures;
    if (!reading.verified) ++counts_.unverified;
    const std::int64_t stamp_us = rows.time_us(row, kTs);
    bool agrees = reading.columns_agree;
    if (auto* entry = sent_.find(rows.bytes(row, kTxid)); entry == nullptr) {
      ++counts_.never_sent;
    } else {
      if (++entry->rows > 1) ++counts_.doubled;
      agrees = agrees && entry->stamp_us == stamp_us;
      counts_.present_unacked += entry->told == Told::nothing;
      counts_.present_others += entry->told == Told::others;
      counts_.rejected_present += entry->told == Told::rejected;
    }
    // That of a row which does not even parse says nothing more.
    if (!agrees && reading.verified) ++counts_.wrong_columns;
    if (!accounts_) return;
    const Key key = {stamp_us, rows.number(row, kId)};
    const bool accounts_agree = accounts_->take(key, counts_.wrong_postings) == reading.accounts;
    const bool lookups_agree = lookups_->take(key, counts_.wrong_postings) == reading.lookups;
    if (!accounts_agree || !lookups_agree) ++counts_.wrong_postings;
  }

  SentTable& sent_;
  Counts& counts_;
  Snapshot snapshot_;
  std::optional<Postings> accounts_;
  std::optional<Postings> lookups_;
};

}  // namespace

result<Counts> judge(const Evidence& evidence) {
  if (sodium_init() < 0) return failure("libsodium does not start");
  SentTable sent;
  const auto journaled = sent.add_journals(evidence.journal);
  if (!journaled) return journaled.error();
  for (const auto& file : evidence.others) {
    if (auto added = sent.add_file(file); !added) return added.error();
  }
  sent.seal();
  Counts counts;
  counts.sent = journaled->sent;
  counts.acked = journaled->acked;
  counts.rejected = journaled->rejected;
  counts.journal_ended = journaled->ended;
  try {
    Judge(evidence, sent, counts).run();
  } catch (const std::runtime_error& problem) {
    return failure(problem.what());
  }
  return counts;
}

std::string to_text(const Counts& counts) {
  const std::pair<const char*, std::uint64_t> lines[] = {
      {"acked_but_missing", counts.acked_missing},
      {"rows_more_than_once", counts.doubled},
      {"rows_never_sent_or_unverified", counts.strange()},
      {"present_but_not_acked", counts.present_unacked},
      {"  never_sent", counts.never_sent},
      {"  signature_does_not_verify", counts.unverified},
      {"  other_columns_differ", counts.wrong_columns},
      {"  postings_differ", counts.wrong_postings},
      {"  told_to_be_rejected", counts.rejected_present},
      {"sent", counts.sent},
      {"acked", counts.acked},
      {"rejected", counts.rejected},
      {"unacked", counts.unacked()},
      {"rows", counts.rows},
      {"rows_of_others", counts.present_others},
      {"signatures_checked", counts.signatures},
  };
  std::string text;
  for (const auto& [name, value] : lines)
    text += std::string(name) + " " + std::to_string(value) + "\n";
  if (!counts.journal_ended) text += "the load did not end by itself: its journal has no END\n";
  return text;
}

}  // namespace txindex::test
