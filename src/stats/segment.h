// The shared statistics segment (include/txindex/stats_layout.h): made by the supervisor, inherited
// by its children, mapped by each.
#pragma once

#include <cstddef>

#include "txindex/result.h"
#include "txindex/stats_layout.h"

namespace txindex::stats {

// Owns the mapping and the descriptor. The blocks live as long as the Segment, in memory that all
// processes share; use them through src/stats/block.h, from any thread.
class Segment {
 public:
  // A new one with two blocks for each slot, all words zero. Its size is sealed, so that nobody can
  // cut it short under a reader.
  static result<Segment> create(std::size_t slots = kSlots);
  // The one behind a descriptor that was inherited, which is taken over. Fails if it is none, or is
  // of another layout, as after an upgrade that left the supervisor running.
  static result<Segment> attach(int fd);
  // What a child of the supervisor may write: the block of its own, and, if it admits producers,
  // the table of their tokens.
  struct Own {
    std::size_t slot;
    std::size_t side;
    bool tokens;
  };
  // The same for a child: all of it can be read, its own written, and that cannot be changed
  // afterwards. The descriptor is closed. Needs /proc, and pages of kPageBytes to be exact.
  static result<Segment> attach_child(int fd, const Own& own);

  Segment(Segment&& other) noexcept;
  Segment& operator=(Segment&& other) noexcept;
  ~Segment();

  // Closed on exec: whoever starts a child that is to inherit it clears that flag in the child.
  int fd() const { return fd_; }
  std::size_t slot_count() const;
  Block& block(std::size_t slot, std::size_t side);
  const Block& block(std::size_t slot, std::size_t side) const;
  Service& service();
  const Service& service() const;
  TokenTable& tokens();
  const TokenTable& tokens() const;

 private:
  Segment(int fd, void* memory, std::size_t bytes) : fd_(fd), memory_(memory), bytes_(bytes) {}
  static result<Segment> attach(int fd, int protection);
  bool make_writable(int fd, const void* part, std::size_t bytes);

  int fd_ = -1;
  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

// Sets to zero what a process that is gone can no longer correct: every gauge but `generation`.
void clear_gauges(Block& block);

}  // namespace txindex::stats
