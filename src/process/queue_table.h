// Which worker serves the listening sockets of slots that have nobody to serve them. Pure.
//
// A listening socket has a queue of connections that nobody has accepted yet, and the kernel goes
// on filling it whether somebody serves it or not. So a slot without a worker lends its queue to a
// sibling, for as long as it has none.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <vector>

namespace txindex::process {

class QueueTable {
 public:
  struct Change {
    int queue;                    // the slot whose listening socket it is
    std::optional<pid_t> worker;  // which serves it from now on; nothing: no sibling any more
  };

  // `orphans`: slots whose queue needs a sibling. `serving`: workers that can take one. Returns
  // what has changed: everybody but the worker is to leave the queue, also who has had it and
  // hangs. A queue stays where it is as long as it can, and goes to the worker with the fewest
  // otherwise.
  std::vector<Change> update(const std::vector<int>& orphans, const std::vector<pid_t>& serving);

  // The worker could not be told: somebody has to be found for the queue anew.
  void forget(int queue) { lent_.erase(queue); }

  // Queue to worker.
  const std::map<int, pid_t>& lent() const { return lent_; }

 private:
  std::map<int, pid_t> lent_;
};

}  // namespace txindex::process
