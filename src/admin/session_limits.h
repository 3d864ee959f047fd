// How much, and how long, a peer of the admin port may ask for.
#pragma once

#include <chrono>
#include <cstddef>

namespace txindex::admin {

struct SessionLimits {
  std::size_t header_max_bytes = std::size_t{8} * 1024;
  // For the next request to begin.
  std::chrono::milliseconds idle = std::chrono::seconds(60);
  // From a request's first byte to its last.
  std::chrono::milliseconds request = std::chrono::seconds(5);
  // For the peer to take the answer.
  std::chrono::milliseconds answer = std::chrono::seconds(5);
  // For the peer to end its side after we have ended ours.
  std::chrono::milliseconds goodbye = std::chrono::seconds(1);
};

}  // namespace txindex::admin
