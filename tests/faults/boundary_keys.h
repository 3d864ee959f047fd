// The keys by which writers know a duplicate on the other side of a partition's boundary.
#pragma once

#include <cstdint>

#include "faults/row_stream.h"
#include "store/partition.h"

namespace txindex::test {

// Keys that are there twice, rows close to a boundary without their key, and keys of no row. Throws
// as Snapshot does.
std::uint64_t wrong_boundary_keys(Snapshot& snapshot, const store::PartitionRule& rule);

}  // namespace txindex::test
