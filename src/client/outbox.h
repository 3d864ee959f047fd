// The transactions of one stream that have no outcome yet, as the frames that are sent for them.
// No I/O. One thread.
//
// A frame is encoded once and stays, byte for byte, until it is acknowledged; each connection sends
// from the front again. The ordinals of a stream, from 0, in the order that always holds:
//
//   completed <= sent <= allowed <= submitted
//
//   completed   have an outcome; their frames are gone
//   sent        were handed whole to the connection there is now
//   allowed     fit the window of that connection, so may be sent
//   submitted   all that were ever pushed
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "txindex/bytes.h"
#include "txindex/wire/ack.h"

#include "client/byte_ring.h"

namespace txindex::client {

class Outbox {
 public:
  struct Window {
    std::uint64_t transactions;
    std::uint64_t bytes;  // of whole frames, their length fields counted
  };

  std::uint64_t completed() const { return completed_; }
  std::uint64_t sent() const { return sent_; }
  std::uint64_t submitted() const { return completed_ + entries_.size(); }
  std::uint64_t unacknowledged() const { return entries_.size(); }
  std::uint64_t unacknowledged_bytes() const { return frames_.size(); }
  // Transactions that went to a connection and went again to a later one.
  std::uint64_t resent() const { return resent_; }
  // The largest frame in here, 0 if there is none. Walks all of them.
  std::uint32_t largest_frame_bytes() const;

  // Every byte of `frame` is copied.
  void push(Bytes frame);

  // A new connection: everything is sent from the front, within `window`.
  void restart(Window window);
  // No further frame is begun on this connection; one that was begun is ended.
  void hold();

  // What to send next, one contiguous part of it; empty if there is nothing that may be sent.
  Bytes sendable() const { return frames_.view(sent_to_, allowed_to_); }
  // True between two frames, where something else may be put into the stream.
  bool at_boundary() const { return sent_to_ == sent_whole_to_; }
  // The rest of the frame that was begun; empty at a boundary.
  Bytes rest_of_frame() const;
  // `n` bytes of sendable() went out.
  void advance(std::size_t n);

  // The outcome of a transaction before its turn to be completed has come; committed unless set.
  // completed() <= ordinal < sent().
  void set_outcome(std::uint64_t ordinal, wire::Outcome outcome);
  // Ends the transaction at the front, which was sent.
  wire::Outcome complete();

 private:
  struct Entry {
    std::uint32_t frame_bytes;
    wire::Outcome outcome;
  };

  Entry& entry(std::uint64_t ordinal) { return entries_[ordinal - completed_]; }
  const Entry& entry(std::uint64_t ordinal) const { return entries_[ordinal - completed_]; }
  void allow_more();

  ByteRing frames_;
  std::deque<Entry> entries_;
  Window window_{0, 0};
  bool held_ = false;

  std::uint64_t completed_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t allowed_ = 0;
  std::uint64_t begun_before_ = 0;  // ordinals below were begun, at least, on an earlier connection
  std::uint64_t resent_ = 0;

  // Positions in frames_.
  std::uint64_t sent_to_ = 0;
  std::uint64_t sent_whole_to_ = 0;  // the end of the last frame that was sent whole
  std::uint64_t allowed_to_ = 0;
};

}  // namespace txindex::client
