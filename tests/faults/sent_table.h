// What was sent, by transaction id. Filled, sealed, then asked.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "txindex/bytes.h"
#include "txindex/result.h"
#include "txindex/wire/ack.h"

namespace txindex::test {

// The slot that transactions are sent with, where they are sent with one.
std::int64_t slot_of(Bytes txid);
inline constexpr std::int64_t kNoSlot = -1;

class SentTable {
 public:
  // In the order of what counts more, if one was sent more than once.
  enum class Told : std::uint8_t { nothing, others, rejected, acked };

  // A signature begins with a point of a curve: 16 bytes of it name a transaction.
  using Key = std::array<std::uint64_t, 2>;
  static Key key_of(Bytes txid);

  // Times in microseconds since the Unix epoch.
  struct Entry {
    Key key;                    // 0, 0: it does not parse
    std::int64_t stamp_us;      // of the TX frame; 0: none, or several
    std::int64_t sent_us = 0;   // 0: not known
    std::int64_t acked_us = 0;  // 0: not
    std::int64_t slot = kNoSlot;
    std::int64_t row_us = 0;  // stamp of the last row found
    std::uint32_t rows = 0;   // found so far
    Told told;
    wire::Outcome outcome = wire::Outcome::committed;  // if acked or rejected
    bool broken = false;                               // its signature was made not to verify
  };

  struct Journaled {
    std::uint64_t sent = 0;
    std::uint64_t acked = 0;     // as committed or duplicate
    std::uint64_t rejected = 0;  // with another code
    bool ended = true;           // all files have their END
  };
  // Reads the journals in a folder. `slotted`: what they sent had slots.
  result<Journaled> add_journals(const std::string& folder, bool slotted);
  // The transactions of a .txs file, as sent by others.
  result<void> add_file(const std::string& path);

  // Before the first find(). The same transaction sent twice becomes one entry.
  void seal();
  // nullptr: nobody sent it.
  Entry* find(const Key& key);
  Entry* find(Bytes txid) { return find(key_of(txid)); }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace txindex::test
