// What was sent, by transaction id. Filled, sealed, then asked.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "txindex/bytes.h"
#include "txindex/result.h"

namespace txindex::test {

class SentTable {
 public:
  // In the order of what counts more, if one was sent more than once.
  enum class Told : std::uint8_t { nothing, others, rejected, acked };

  // A signature begins with a point of a curve: 16 bytes of it name a transaction.
  struct Entry {
    std::uint64_t key[2];   // 0, 0: it does not parse
    std::int64_t stamp_us;  // of the TX frame
    Told told;
    std::uint32_t rows;  // found so far

    bool operator<(const Entry& other) const {
      return key[0] != other.key[0] ? key[0] < other.key[0] : key[1] < other.key[1];
    }
  };

  struct Journaled {
    std::uint64_t sent = 0;
    std::uint64_t acked = 0;     // as committed or duplicate
    std::uint64_t rejected = 0;  // with another code
    bool ended = true;           // all files have their END
  };
  // Reads the journals in a folder.
  result<Journaled> add_journals(const std::string& folder);
  // The transactions of a .txs file, as sent by others.
  result<void> add_file(const std::string& path);

  // Before the first find(). The same transaction sent twice becomes one entry.
  void seal();
  // nullptr: nobody sent it.
  Entry* find(Bytes txid);
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  static Entry entry(Bytes txid, std::int64_t stamp_us, Told told);
  std::vector<Entry> entries_;
};

}  // namespace txindex::test
