// The queues that a worker accepts from: that of its slot's listening socket, and those of siblings
// that cannot serve their own just now.
#pragma once

#include <cstddef>
#include <map>
#include <memory>

#include "net/connections.h"
#include "net/listener.h"
#include "stats/block.h"

namespace txindex::process {

// Loop thread only.
class ServedQueues {
 public:
  // `connections` and `stats` outlive it. At `connections_max` nobody is accepted until one ends.
  ServedQueues(int own_slot, net::Connections& connections, std::size_t connections_max,
               stats::Block& stats)
      : own_slot_(own_slot),
        connections_(connections),
        connections_max_(connections_max),
        stats_(stats) {}

  // Takes the slot's listening socket. Those who connect wait until start(), and are not refused.
  void hold_own(int descriptor);
  void start();

  // A sibling's queue, for as long as the sibling cannot serve it. Takes the descriptor.
  void adopt(int slot, int descriptor);
  void disown(int slot);

  // Leaves all of them, and takes no more. `empty`: nobody comes after this process, so those who
  // wait to be accepted are taken in.
  void leave(bool empty);

 private:
  net::Listener& add(int slot, int descriptor);
  void count();

  const int own_slot_;
  net::Connections& connections_;
  const std::size_t connections_max_;
  stats::Block& stats_;
  std::map<int, std::shared_ptr<net::Listener>> listeners_;  // by the slot that they belong to
  bool left_ = false;
};

}  // namespace txindex::process
