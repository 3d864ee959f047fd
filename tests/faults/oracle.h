// The oracle of the fault suite: compares what a load was told (its journal, kept by another
// process than the server's) with what PostgreSQL has, and counts.
//
// It trusts nothing that the server says. Every row is read back, its bytes are parsed and every
// signature is checked again, by libsodium itself; every other column, every posting and every key
// at a partition's boundary must be what the bytes, the stamp sent and the times of sending and
// answering say. Of each transaction that was sent 80 bytes are kept in memory; rows are streamed.
// Nothing may write to the database meanwhile.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "txindex/index_level.h"
#include "txindex/result.h"

#include "faults/sent_table.h"
#include "store/partition.h"

namespace txindex::test {

struct Counts {
  // What must be 0.
  std::uint64_t acked_missing = 0;  // acknowledged as committed or duplicate, and not there
  // Rows beyond the first of a transaction. One that others sent with several stamps, or none, may
  // be there again when the duplicate window is over.
  std::uint64_t doubled = 0;
  std::uint64_t never_sent = 0;     // rows that nobody sent
  std::uint64_t unverified = 0;     // rows whose bytes do not parse, or a signature does not verify
  std::uint64_t wrong_columns = 0;  // rows that do not say what their bytes, stamp and slot say
  std::uint64_t wrong_received = 0;    // not received between the sending and the answer
  std::uint64_t wrong_postings = 0;    // rows without just their postings; postings without a row
  std::uint64_t wrong_boundaries = 0;  // keys at a boundary that are missing, doubled, or of no row
  std::uint64_t rejected_present = 0;  // rows of transactions that were told to be rejected
  // Good ones that were rejected, and broken ones that were told anything but bad_signature.
  std::uint64_t misjudged = 0;
  // What is allowed.
  std::uint64_t present_unacked = 0;  // there, and not acknowledged
  std::uint64_t present_others = 0;   // there, sent by somebody else who keeps no journal
  // What it looked at.
  std::uint64_t sent = 0;
  std::uint64_t acked = 0;     // as committed or duplicate
  std::uint64_t rejected = 0;  // with any other code
  std::uint64_t broken = 0;    // of those sent, by what was known of them
  std::uint64_t rows = 0;
  std::uint64_t signatures = 0;
  bool journal_ended = true;  // its writer came to its end by itself

  std::uint64_t unacked() const { return sent - acked - rejected; }
  // Acked but missing; rows more than once; never sent or unverified, in whatever way.
  std::uint64_t missing() const { return acked_missing; }
  std::uint64_t strange() const {
    return never_sent + unverified + wrong_columns + wrong_received + wrong_postings +
           wrong_boundaries + rejected_present;
  }
  bool clean() const { return missing() == 0 && doubled == 0 && strange() == 0 && misjudged == 0; }
};

struct Evidence {
  struct Journal {
    std::string folder;    // of `txindex load --journal`
    bool slotted = false;  // what was sent had the slot slot_of() its id, else none
  };
  std::vector<Journal> journals;
  std::vector<SentTable::Key> broken = {};  // of those sent, the ones that do not verify
  std::vector<std::string> others = {};     // .txs files that somebody else sent some of
  std::string database;                     // libpq's connection string
  IndexLevel level = IndexLevel::accounts;
  store::PartitionRule rule = {3'600'000'000, 600'000'000};  // the service's
};

// Fails when the evidence cannot be read: a journal that is damaged, a database that is away.
result<Counts> judge(const Evidence& evidence);

// The counts as lines of "name value", the four of the promises first.
std::string to_text(const Counts& counts);

}  // namespace txindex::test
