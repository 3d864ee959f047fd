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

bool is_nothing(const journal::Txid& txid) {
  return std::all_of(txid.begin(), txid.end(), [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

result<SentTable::Journaled> SentTable::add_journals(const std::string& folder) {
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
        open[{sent->connection, sent->sequence}] = entry(
            is_nothing(sent->txid) ? Bytes() : Bytes(sent->txid), sent->stamp_us, Told::nothing);
      } else if (const auto* acked = std::get_if<journal::Acked>(&**next)) {
        const auto at = open.find({acked->connection, acked->sequence});
        if (at == open.end()) {
          return failure(file.path().string() +
                         ": an answer to what was not sent, or a second one");
        }
        const bool stored = acked->outcome <= wire::Outcome::duplicate;
        ++(stored ? total.acked : total.rejected);
        at->second.told = stored ? Told::acked : Told::rejected;
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
    entries_.push_back(
        entry(table.transactions[0].txid, item.tx.time_us.value_or(0), Told::others));
  }
}

SentTable::Entry SentTable::entry(Bytes txid, std::int64_t stamp_us, Told told) {
  Entry entry{{}, stamp_us, told, 0};
  if (txid.size() >= sizeof entry.key) std::memcpy(entry.key, txid.data(), sizeof entry.key);
  return entry;
}

void SentTable::seal() {
  // What does not parse has no id, and can be in no row.
  std::erase_if(entries_, [](const Entry& e) { return e.key[0] == 0 && e.key[1] == 0; });
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a < b || (!(b < a) && a.told > b.told); });
  const auto same = [](const Entry& a, const Entry& b) { return !(a < b) && !(b < a); };
  entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());
}

SentTable::Entry* SentTable::find(Bytes txid) {
  const Entry wanted = entry(txid, 0, Told::nothing);
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), wanted);
  return at == entries_.end() || wanted < *at ? nullptr : &*at;
}

}  // namespace txindex::test
