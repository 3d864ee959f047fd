// The transactions of all schedules, made once; and what is wrong with which of them in one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "txindex/bytes.h"
#include "txindex/wire/ack.h"

namespace txindex::sim {

enum class Kind : std::uint8_t {
  good,
  bad_row,         // PostgreSQL refuses it
  bad_row_23514,   // likewise, with the SQLSTATE that a missing partition has too
  bad_when_there,  // likewise, but only when it is in the table already: a trigger can do that
  bad_signature,
  malformed,
  too_large,
  unknown_chain,
};

// As many are known by number; the last kLineTransactions are for line mode, where they have no
// time stamp of their own.
inline constexpr std::size_t kTransactions = 48;
inline constexpr std::size_t kLineTransactions = 12;

const std::vector<std::uint8_t>& transaction(std::size_t number);
// By the txid, which is a part of the bytes; kTransactions: none of ours.
std::size_t number_of(Bytes txid);
// Microseconds since the Unix epoch, the same each time: several partitions, and their boundaries.
std::int64_t stamp_of(std::size_t number);

// What is wrong with each of them in one schedule.
class Kinds {
 public:
  explicit Kinds(std::uint64_t seed) : seed_(seed) {}
  Kind operator[](std::size_t number) const;

 private:
  std::uint64_t seed_;
};

// nullopt: committed or duplicate.
std::optional<wire::Outcome> rejection(Kind kind);

// The transaction as it is sent, which is where some kinds are wrong.
std::vector<std::uint8_t> as_sent(std::size_t number, Kind kind);

}  // namespace txindex::sim
