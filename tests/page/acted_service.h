// A service that is only acted: statistics that move as under load, and processes that can be
// killed in the place of workers.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "stats/segment.h"
#include "support/process.h"

namespace txindex::test {

class ActedService {
 public:
  // `segment` outlives it.
  ActedService(stats::Segment& segment, std::size_t workers);
  ~ActedService();
  ActedService(const ActedService&) = delete;
  ActedService& operator=(const ActedService&) = delete;

 private:
  struct Worker;
  void act();
  void supervise(std::size_t slot, Worker& worker);
  void work(std::size_t slot, double seconds);

  stats::Segment& segment_;
  const std::size_t workers_;
  std::atomic<bool> stop_ = false;
  double phase_ = 0;
  std::thread thread_;
};

}  // namespace txindex::test
