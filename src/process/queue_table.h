// Which worker serves the listening sockets of slots that have nobody to serve them. Pure.
//
// A listening socket has a queue of connections that nobody has accepted yet, and the kernel goes
// on filling it whether somebody serves it or not. So a slot without a worker lends its queue to a
// sibling, for as long as it has none.
#pragma once

#include <sys/types.h>

#include <map>
#include <vector>

namespace txindex::process {

class QueueTable {
 public:
  struct Change {
    pid_t worker;
    int queue;   // the slot whose listening socket it is
    bool adopt;  // serve it from now on, or no more
  };

  // `orphans`: slots whose queue needs a sibling. `serving`: workers that can take one. Returns
  // what they are to be told; those who are gone are told nothing. A queue stays where it is as
  // long as it can, and goes to the worker with the fewest otherwise.
  std::vector<Change> update(const std::vector<int>& orphans, const std::vector<pid_t>& serving);

  // Queue to worker.
  const std::map<int, pid_t>& lent() const { return lent_; }

 private:
  std::map<int, pid_t> lent_;
};

}  // namespace txindex::process
