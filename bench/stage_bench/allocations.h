// How often the program has asked for memory: every call of malloc() and its like, by any thread,
// also those of operator new and of libraries.
#pragma once

#include <cstdint>

namespace txindex::bench {

std::uint64_t allocations();

}  // namespace txindex::bench
