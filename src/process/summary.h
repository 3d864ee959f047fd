// One line about what a server has done, from the shared statistics.
#pragma once

#include <string>

#include "stats/segment.h"

namespace txindex::process {

// Over the first `slots` blocks: "received 5, committed 3, duplicate 1, rejected 1 (malformed 1);
// 0 restarts".
std::string summary(const stats::Segment& segment, int slots);

}  // namespace txindex::process
