// Line mode: one base64 transaction a line in, one answer a line out, in order. No I/O.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>

#include "txindex/bytes.h"
#include "txindex/chain/codec.h"
#include "txindex/wire/frame.h"

#include "flow/ticket.h"

namespace txindex::net {

// The chain that a line holds a transaction of.
inline constexpr std::uint8_t kLineChain = static_cast<std::uint8_t>(chain::ChainId::solana);

// Decodes in place: the result is a prefix of `line`. nullopt: not base64.
std::optional<Bytes> decode_line(std::span<std::uint8_t> line);

// The answers that wait for one before them.
class LineAnswers {
 public:
  std::uint64_t receive();  // the number of the next line that wants an answer, from 1
  void complete(const flow::Completion& completion);
  // Appends what can be told; false if nothing can.
  bool write(wire::Buffer& out);
  std::uint64_t unanswered() const { return answers_.size(); }

 private:
  std::uint64_t first_ = 1;  // the number of answers_.front()
  std::deque<std::optional<std::string>> answers_;
};

}  // namespace txindex::net
