#include "faults/sent_table.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "txindex/chain/codec.h"

#include "tools/journal.h"
#include "tools/transaction_reader.h"

namespace txindex::test {
namespace {

namespace journal = tools::journal;

// Sent and not answered so far: bounded by the windows of the connections.
using Open = std::map<std::pair<std::uint32_t, std::uint64_t>, SentTable::Entry>;

}  // namespace

std::int64_t slot_of(Bytes txid) {
  std::int64_t slot = 0;
  for (const std::uint8_t byte : txid.first(5))
    slot = slot << 8 | byte;
  return slot;
}

SentTable::Key SentTable::key_of(Bytes txid) {
  Key key{};
  if (txid.size() >= sizeof key) std::memcpy(key.data(), txid.data(), sizeof key);
  return key;
}

result<SentTable::Journaled> SentTable::add_journals(const std::string& folder, bool slotted) {
  Journaled total;
  std::size_t files = 0;
  std::error_code problem;
  for (const auto& file : std::filesystem::directory_iterator(folder, problem)) {
    ++files;
    auto reader = journal::Reader::open(file.path());
    if (!reader) return reader.error();
    Open open;
    bool ended = false;
    for (;;) {
      const auto next = reader->next();
      if (!next) return next.error();
      if (!*next) break;
      if (const auto* sent = std::get_if<journal::Sent>(&**next)) {
        ++total.sent;
        open[{sent->connection, sent->sequence}] = {.key = key_of(sent->txid),
                                                    .stamp_us = sent->stamp_us,
                                                    .sent_us = sent->sent_us,
                                                    .slot = slotted ? slot_of(sent->txid) : kNoSlot,
                                                    .told = Told::nothing};
      } else if (const auto* acked = std::get_if<journal::Acked>(&**next)) {
        const auto at = open.find({acked->connection, acked->sequence});
        if (at == open.end()) {
          return failure(file.path().string() +
                         ": an answer to what was not sent, or a second one");
        }
        const bool stored = acked->outcome <= wire::Outcome::duplicate;
        ++(stored ? total.acked : total.rejected);
        at->second.told = stored ? Told::acked : Told::rejected;
        at->second.outcome = acked->outcome;
        at->second.acked_us = acked->acked_us;
        entries_.push_back(at->second);
        open.erase(at);
      } else {
        ended = true;
      }
    }
    for (const auto& [where, unanswered] : open)
      entries_.push_back(unanswered);
    total.ended = total.ended && ended;
  }
  if (problem) return failure("cannot read the journal " + folder + ": " + problem.message());
  if (files == 0) return failure("no journal in " + folder);
  return total;
}

result<void> SentTable::add_file(const std::string& path) {
  auto reader = tools::TransactionReader::open(path);
  if (!reader) return reader.error();
  chain::TransactionTable table;
  tools::TransactionReader::Item item;
  for (;;) {
    const auto status = reader->next(item);
    if (!status) return status.error();
    if (*status == tools::TransactionReader::Status::end) return {};
    if (*status == tools::TransactionReader::Status::need_input) {
      if (auto filled = reader->fill(); !filled) return filled;
      continue;
    }
    table.clear();
    const chain::Codec* codec = chain::find_codec(item.tx.chain);
    if (codec == nullptr || !codec->parse(item.tx.transaction, table)) continue;
    entries_.push_back({.key = key_of(table.transactions[0].txid),
                        .stamp_us = item.tx.time_us.value_or(0),
                        .slot = static_cast<std::int64_t>(item.tx.slot.value_or(kNoSlot)),
                        .told = Told::others});
  }
}

void SentTable::seal() {
  // What does not parse has no id, and can be in no row.
  std::erase_if(entries_, [](const Entry& e) { return e.key == Key{}; });
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return a.key != b.key ? a.key < b.key : a.told > b.told;
  });
  std::size_t kept = 0;
  for (const Entry& entry : entries_) {
    Entry* const before = kept == 0 ? nullptr : &entries_[kept - 1];
    if (before == nullptr || before->key != entry.key) {
      entries_[kept++] = entry;
    } else if (before->stamp_us != entry.stamp_us) {
      before->stamp_us = 0;
    }
  }
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(kept), entries_.end());
}

SentTable::Entry* SentTable::find(const Key& key) {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), key,
                                   [](const Entry& e, const Key& k) { return e.key < k; });
  return at == entries_.end() || at->key != key ? nullptr : &*at;
}

}  // namespace txindex::test
