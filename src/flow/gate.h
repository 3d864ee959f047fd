// The worker's budget of bytes in flight. Reading stops when it is spent.
//
// Credit is taken when a receive chunk is allocated and comes back when the last transaction in it
// has its outcome (chunk.h), so the budget bounds real memory. One loop thread owns a gate and
// everything here.
//
// A connection that has nothing in flight is never stopped: it may overdraw by one chunk. Otherwise
// a crowd of connections, each holding a few bytes of an unfinished frame, could spend the budget
// and nobody could finish one; and while PostgreSQL is away nobody would get a WELCOME or a PONG.
// The bound is thus: budget + connections * one chunk.
#pragma once

#include <cstddef>
#include <deque>

#include "stats/block.h"

namespace txindex::flow {

class Gate {
 public:
  // Somebody who stopped reading. Told once, by turns (wait()), when it is worth trying again;
  // gate_opened() must not take credit itself but do so soon after (it is called from the middle of
  // a completion).
  class Waiter {
   public:
    virtual void gate_opened() = 0;

   protected:
    ~Waiter() = default;
  };

  Gate(std::size_t budget_bytes, stats::Block& stats) : budget_(budget_bytes), stats_(stats) {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // False: no credit, nothing taken.
  bool try_take(std::size_t bytes);
  void overdraw(std::size_t bytes);
  void give_back(std::size_t bytes);

  // While held there is no credit, whatever the budget: a stage behind the loop is full.
  void hold();
  void release();
  bool held() const { return held_; }

  // `in_vain`: it was woken, and has read nothing by that. Then it waits before all who have read,
  // in the order of asking: whoever is woken first asks first again, and would be the first for
  // ever.
  void wait(Waiter* waiter, bool in_vain);
  void cancel(Waiter* waiter);

  // Whether somebody who holds `held` bytes may have `more` and leave their share to the others:
  // nobody may hold more than is free. So n greedy ones come to rest at 1/(n+1) of the budget each,
  // and who has just come finds as much.
  bool is_fair(std::size_t held, std::size_t more) const {
    return taken_ + more <= budget_ && held + more <= budget_ - taken_ - more;
  }

  std::size_t in_flight_bytes() const { return taken_; }

 private:
  void account(std::size_t taken);
  void wake();

  const std::size_t budget_;
  stats::Block& stats_;
  std::size_t taken_ = 0;
  bool held_ = false;
  std::deque<Waiter*> in_vain_;  // these first
  std::deque<Waiter*> waiters_;
};

}  // namespace txindex::flow
