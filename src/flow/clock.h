// The two clocks of the program, in microseconds.
#pragma once

#include <chrono>
#include <cstdint>

namespace txindex::flow {

// Since the Unix epoch; may jump. For time stamps that are stored.
inline std::int64_t wall_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Since some point in the past; never jumps. For durations and deadlines.
inline std::int64_t steady_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace txindex::flow
