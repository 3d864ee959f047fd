// What became of a transaction, and the ACK frame that says so.
//
// ACK is cumulative: every sequence number up to `up_to` has its final outcome, `committed` unless
// the frame lists it. Sequence numbers count the TX frames of one connection from 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "txindex/bytes.h"
#include "txindex/wire/frame.h"

namespace txindex::wire {

enum class Outcome : std::uint8_t {
  committed = 0,
  duplicate = 1,
  malformed = 2,
  bad_signature = 3,
  unsupported = 4,  // chain or version
  too_large = 5,
  refused_by_database = 6,
  time_out_of_range = 7,
};
inline constexpr std::size_t kOutcomeCount = 8;

// The word for it in line mode, in logs and in metrics: "committed", "bad_signature", ...
std::string_view to_string(Outcome outcome);

struct AckException {
  std::uint64_t sequence;
  Outcome outcome;
};

inline constexpr std::size_t kAckHeaderBytes = 8 + 4;
inline constexpr std::size_t kAckExceptionBytes = 8 + 1;

// Writes one ACK frame into `out` as exceptions become known, without a list in between:
// begin, any number of exception(), finish. One frame at a time for each buffer.
class AckWriter {
 public:
  explicit AckWriter(Buffer& out);
  void exception(std::uint64_t sequence, Outcome outcome);
  void finish(std::uint64_t up_to);
  // A frame may not exceed the largest one; when full, finish it and begin another.
  bool full() const;

 private:
  Buffer& out_;
  std::size_t begin_;
  std::uint32_t count_ = 0;
};

// A view into the body of an ACK frame.
class AckView {
 public:
  static std::optional<AckView> parse(Bytes body);
  std::uint64_t up_to() const { return load<std::uint64_t>(body_.data()); }
  std::uint32_t size() const { return load<std::uint32_t>(body_.data() + 8); }
  // nullopt: a code that this version does not know.
  std::optional<AckException> operator[](std::size_t i) const;

 private:
  explicit AckView(Bytes body) : body_(body) {}
  Bytes body_;
};

}  // namespace txindex::wire
