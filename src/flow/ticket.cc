#include "flow/ticket.h"

#include <cstdlib>

#include "log/log.h"

namespace txindex::flow {

void Ticket::dropped() {
  log::critical("flow: a transaction was dropped without an outcome");
  std::abort();
}

void Ticket::completed_twice() {
  log::critical("flow: a transaction was given two outcomes");
  std::abort();
}

}  // namespace txindex::flow
