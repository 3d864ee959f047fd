// A network of the test's own: nobody else's connections, and the kernel's counters of just these.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace txindex::test {

// Puts the calling thread, and what it starts from now on, into a new network namespace with a
// loopback interface that works. Before any other thread exists. Throws if that is not permitted.
void enter_own_network();

// The server's ends of the connections to a port of this thread's network: the socket's inode by
// the peer's port. 0: nobody has accepted it yet, it waits in a listener's queue.
std::map<std::uint16_t, std::uint64_t> connections_to(std::uint16_t port);

// The kernel's TCP counters of this thread's network, by their names ("ListenOverflows").
std::map<std::string, std::int64_t> tcp_counters();

}  // namespace txindex::test
