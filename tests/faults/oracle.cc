#include "faults/oracle.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <future>
#include <memory>
#include <thread>

#include "txindex/chain/codec.h"

#include "faults/boundary_keys.h"
#include "faults/postings.h"
#include "faults/row_stream.h"
#include "faults/sent_table.h"

namespace txindex::test {
namespace {

using Told = SentTable::Told;

// Of txindex.transactions, in the order of the query.
enum Column {
  kTs,
  kId,
  kSlot,
  kReceived,
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
    "SELECT ts, id, slot, received_at, chain, version, signature_count, account_count,"
    " instruction_count, txid, fee_payer, recent_blockhash, raw FROM txindex.transactions"
    " ORDER BY ts, id";

// Two processes of one machine read the clock, one of which carries on what it read at its start.
constexpr std::int64_t kClockUs = 1'000'000;

// What the bytes of one row say, and whether that is what its columns say.
struct Reading {
  bool verified = false;
  bool columns_agree = false;
  std::uint64_t signatures = 0;
  std::array<std::vector<Posting>, std::size(kPostingKinds)> postings;
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
  for (const PostingKind kind : kPostingKinds)
    reading.postings[static_cast<std::size_t>(kind)] = postings_of(kind, table, t);
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
      : evidence_(evidence), sent_(sent), counts_(counts), snapshot_(evidence.database) {
    for (const PostingKind kind : kPostingKinds)
      postings_.push_back(std::make_unique<Postings>(snapshot_, kind));
  }

  void run() {
    RowStream rows(snapshot_, "of_rows", kRows);
    while (rows.next_portion()) {
      const auto readings = read_portion(rows);
      for (int row = 0; row < rows.rows(); ++row)
        judge_row(rows, row, readings[static_cast<std::size_t>(row)]);
    }
    for (const auto& kind : postings_)
      counts_.wrong_postings += kind->rest();
    counts_.wrong_boundaries = wrong_boundary_keys(snapshot_, evidence_.rule);
    for (const auto& entry : sent_.entries())
      judge_answer(entry);
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
      if (entry->rows++ > 0 && is_double(*entry, stamp_us)) ++counts_.doubled;
      entry->row_us = stamp_us;
      const std::int64_t slot = rows.is_null(row, kSlot) ? kNoSlot : rows.number(row, kSlot);
      agrees = agrees && slot == entry->slot &&
               (entry->stamp_us == stamp_us || (entry->stamp_us == 0 && is_others(*entry)));
      counts_.wrong_received += !is_received_in_time(*entry, rows.time_us(row, kReceived));
      counts_.present_unacked += entry->told == Told::nothing;
      counts_.present_others += entry->told == Told::others;
      counts_.rejected_present += entry->told == Told::rejected;
    }
    // That of a row which does not even parse says nothing more.
    if (!agrees && reading.verified) ++counts_.wrong_columns;
    bool postings_agree = true;
    for (const PostingKind kind : kPostingKinds) {
      const auto i = static_cast<std::size_t>(kind);
      const auto found =
          postings_[i]->take({stamp_us, rows.number(row, kId)}, counts_.wrong_postings);
      const bool wanted = evidence_.level >= level_of(kind);
      postings_agree = postings_agree && (wanted ? found == reading.postings[i] : found.empty());
    }
    if (!postings_agree) ++counts_.wrong_postings;
  }

  static bool is_others(const SentTable::Entry& entry) { return entry.told == Told::others; }

  // Rows come in the order of their stamps.
  bool is_double(const SentTable::Entry& entry, std::int64_t stamp_us) const {
    return entry.stamp_us != 0 || stamp_us - entry.row_us < evidence_.rule.window_us;
  }

  static bool is_received_in_time(const SentTable::Entry& entry, std::int64_t received_us) {
    if (entry.sent_us == 0) return true;
    return received_us >= entry.sent_us - kClockUs &&
           (entry.acked_us == 0 || received_us <= entry.acked_us + kClockUs);
  }

  void judge_answer(const SentTable::Entry& entry) {
    counts_.acked_missing += entry.told == Told::acked && entry.rows == 0;
    counts_.broken += entry.broken && !is_others(entry);
    const bool answered = entry.told == Told::acked || entry.told == Told::rejected;
    if (!answered) return;
    counts_.misjudged +=
        entry.broken ? entry.outcome != wire::Outcome::bad_signature : entry.told == Told::rejected;
  }

  const Evidence& evidence_;
  SentTable& sent_;
  Counts& counts_;
  Snapshot snapshot_;
  std::vector<std::unique_ptr<Postings>> postings_;
};

}  // namespace

result<Counts> judge(const Evidence& evidence) {
  if (sodium_init() < 0) return failure("libsodium does not start");
  SentTable sent;
  Counts counts;
  for (const auto& journal : evidence.journals) {
    const auto journaled = sent.add_journals(journal.folder, journal.slotted);
    if (!journaled) return journaled.error();
    counts.sent += journaled->sent;
    counts.acked += journaled->acked;
    counts.rejected += journaled->rejected;
    counts.journal_ended = counts.journal_ended && journaled->ended;
  }
  for (const auto& file : evidence.others) {
    if (auto added = sent.add_file(file); !added) return added.error();
  }
  sent.seal();
  for (const auto& key : evidence.broken) {
    if (auto* entry = sent.find(key); entry != nullptr) entry->broken = true;
  }
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
      {"  received_at_another_time", counts.wrong_received},
      {"  postings_differ", counts.wrong_postings},
      {"  boundary_keys_differ", counts.wrong_boundaries},
      {"  told_to_be_rejected", counts.rejected_present},
      {"answers_that_are_wrong", counts.misjudged},
      {"sent", counts.sent},
      {"acked", counts.acked},
      {"rejected", counts.rejected},
      {"broken", counts.broken},
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
