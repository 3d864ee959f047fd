// Stand-ins for the neighbours of a stage, for tests of one stage alone.
#pragma once

#include <memory>
#include <vector>

#include "flow/chunk.h"
#include "flow/gate.h"
#include "flow/ticket.h"
#include "stats/block.h"

namespace txindex::test {

// Takes outcomes, in the order in which they come.
class RecordingSink final : public flow::Sink {
 public:
  void complete(const flow::Completion& completion) override { completions.push_back(completion); }
  std::vector<flow::Completion> completions;
};

inline std::unique_ptr<stats::Block> zero_stats() {
  return std::make_unique<stats::Block>();
}

// What every stage on the loop shares.
struct LoopParts {
  explicit LoopParts(std::size_t budget_bytes) : gate(budget_bytes, *stats), chunks(gate) {}
  std::unique_ptr<stats::Block> stats = zero_stats();
  flow::Gate gate;
  flow::ChunkPool chunks;
};

}  // namespace txindex::test
