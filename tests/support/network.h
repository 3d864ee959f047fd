// A network of the test's own: nobody else's connections, and the kernel's counters of just these.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace txindex::test {

// Puts the calling thread, and what it starts from now on, into a new network namespace with a
// loopback interface that works. Before any other thread exists. Throws if that is not permitted.
void enter_own_network();

// The kernel's TCP counters of this thread's network, by their names ("ListenOverflows").
std::map<std::string, std::int64_t> tcp_counters();

}  // namespace txindex::test
