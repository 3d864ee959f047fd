#include "net/line_mode.h"

#include <cassert>

#include "chain/base64.h"

namespace txindex::net {

std::optional<Bytes> decode_line(std::span<std::uint8_t> line) {
  // Three bytes are written for four read, so the output never overtakes the input.
  const auto bytes = chain::base64::decode(as_text(line), line);
  if (!bytes) return std::nullopt;
  return Bytes(line).first(*bytes);
}

std::uint64_t LineAnswers::receive() {
  answers_.emplace_back();
  return first_ + answers_.size() - 1;
}

void LineAnswers::complete(const flow::Completion& completion) {
  assert(completion.sequence >= first_ && completion.sequence < first_ + answers_.size());
  std::string text;
  switch (completion.outcome) {
    case wire::Outcome::committed:
    case wire::Outcome::duplicate:
      text = wire::to_string(completion.outcome);
      text += ' ';
      text += chain::find_codec(kLineChain)->txid_text(completion.txid);
      break;
    default:
      text = "rejected ";
      text += wire::to_string(completion.outcome);
      if (!completion.detail.empty()) text.append(" ").append(completion.detail);
  }
  text += '\n';
  answers_[completion.sequence - first_] = std::move(text);
}

bool LineAnswers::write(wire::Buffer& out) {
  const std::size_t before = out.size();
  while (!answers_.empty() && answers_.front()) {
    out.insert(out.end(), answers_.front()->begin(), answers_.front()->end());
    answers_.pop_front();
    ++first_;
  }
  return out.size() != before;
}

}  // namespace txindex::net
