#include "client/outbox.h"

#include <algorithm>
#include <cassert>

namespace txindex::client {

std::uint32_t Outbox::largest_frame_bytes() const {
  std::uint32_t largest = 0;
  for (const Entry& e : entries_)
    largest = std::max(largest, e.frame_bytes);
  return largest;
}

void Outbox::push(Bytes frame) {
  frames_.push(frame);
  entries_.push_back({static_cast<std::uint32_t>(frame.size()), wire::Outcome::committed});
  allow_more();
}

void Outbox::restart(Window window) {
  begun_before_ = std::max(begun_before_, sent_ + (at_boundary() ? 0 : 1));
  window_ = window;
  held_ = false;
  sent_ = allowed_ = completed_;
  sent_to_ = sent_whole_to_ = allowed_to_ = frames_.front();
  // Nothing that was said about them on an earlier connection counts.
  for (Entry& e : entries_)
    e.outcome = wire::Outcome::committed;
  allow_more();
}

void Outbox::hold() {
  held_ = true;
  const Bytes rest = rest_of_frame();
  allowed_ = sent_ + (rest.empty() ? 0 : 1);
  allowed_to_ = at_boundary() ? sent_to_ : sent_whole_to_ + entry(sent_).frame_bytes;
}

void Outbox::allow_more() {
  if (held_) return;
  while (allowed_ < submitted() && allowed_ - completed_ < window_.transactions) {
    const std::uint64_t to = allowed_to_ + entry(allowed_).frame_bytes;
    if (to - frames_.front() > window_.bytes) return;
    allowed_to_ = to;
    ++allowed_;
  }
}

Bytes Outbox::rest_of_frame() const {
  if (at_boundary()) return {};
  return frames_.view(sent_to_, sent_whole_to_ + entry(sent_).frame_bytes);
}

void Outbox::advance(std::size_t n) {
  sent_to_ += n;
  assert(sent_to_ <= allowed_to_);
  while (sent_ < allowed_ && sent_whole_to_ + entry(sent_).frame_bytes <= sent_to_) {
    sent_whole_to_ += entry(sent_).frame_bytes;
    if (sent_ < begun_before_) ++resent_;
    ++sent_;
  }
}

void Outbox::set_outcome(std::uint64_t ordinal, wire::Outcome outcome) {
  assert(completed_ <= ordinal && ordinal < sent_);
  entry(ordinal).outcome = outcome;
}

wire::Outcome Outbox::complete() {
  assert(completed_ < sent_);
  const Entry done = entries_.front();
  entries_.pop_front();
  frames_.pop(done.frame_bytes);
  ++completed_;
  allow_more();
  return done.outcome;
}

}  // namespace txindex::client
