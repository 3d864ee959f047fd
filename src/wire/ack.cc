#include "txindex/wire/ack.h"

#include <array>
#include <cassert>

namespace txindex::wire {
namespace {

template <typename T>
void store(std::uint8_t* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

constexpr std::size_t kHeadBytes = limits::kFrameLengthBytes + 1 + kAckHeaderBytes;

}  // namespace

std::string_view to_string(Outcome outcome) {
  constexpr std::array<std::string_view, kOutcomeCount> names = {
      "committed",   "duplicate", "malformed",           "bad_signature",
      "unsupported", "too_large", "refused_by_database", "time_out_of_range"};
  return names[static_cast<std::size_t>(outcome)];
}

AckWriter::AckWriter(Buffer& out) : out_(out), begin_(out.size()) {
  out_.resize(begin_ + kHeadBytes);
}

void AckWriter::exception(std::uint64_t sequence, Outcome outcome) {
  assert(!full());
  append(out_, sequence);
  out_.push_back(static_cast<std::uint8_t>(outcome));
  ++count_;
}

bool AckWriter::full() const {
  return out_.size() - begin_ + kAckExceptionBytes > limits::kFrameMaxBytes;
}

void AckWriter::finish(std::uint64_t up_to) {
  std::uint8_t* at = out_.data() + begin_;
  store(at, static_cast<std::uint32_t>(out_.size() - begin_ - limits::kFrameLengthBytes));
  at[4] = static_cast<std::uint8_t>(FrameType::ack);
  store(at + 5, up_to);
  store(at + 13, count_);
}

std::optional<AckView> AckView::parse(Bytes body) {
  if (body.size() < kAckHeaderBytes) return std::nullopt;
  const AckView view(body);
  if ((body.size() - kAckHeaderBytes) / kAckExceptionBytes != view.size() ||
      (body.size() - kAckHeaderBytes) % kAckExceptionBytes != 0) {
    return std::nullopt;
  }
  return view;
}

std::optional<AckException> AckView::operator[](std::size_t i) const {
  const std::uint8_t* at = body_.data() + kAckHeaderBytes + i * kAckExceptionBytes;
  if (at[8] == 0 || at[8] >= kOutcomeCount) return std::nullopt;
  return AckException{load<std::uint64_t>(at), static_cast<Outcome>(at[8])};
}

}  // namespace txindex::wire
