// Says when producers have been slowed for long, and when they no longer are.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flow/gate.h"
#include "stats/block.h"

namespace txindex::process {

// Loop thread only. What it is given outlives it.
class OverloadWarning {
 public:
  OverloadWarning(const flow::Gate& gate, std::size_t budget_bytes, int writers,
                  const stats::Block& stats)
      : gate_(gate), budget_bytes_(budget_bytes), writers_(writers), stats_(stats) {}

  // To be called often, by the loop.
  void look();

 private:
  const flow::Gate& gate_;
  const std::size_t budget_bytes_;
  const int writers_;
  const stats::Block& stats_;
  std::int64_t full_since_us_ = 0;  // 0: it is not; negative: it has been said
};

}  // namespace txindex::process
