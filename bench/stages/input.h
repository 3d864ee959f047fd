// What the stages are given: transactions as `txindex gen` makes them, always the same ones, and
// two of the chain.
#pragma once

#include <vector>

#include "txindex/wire/frame.h"

#include "flow/chunk.h"
#include "flow/gate.h"
#include "flow/parcel.h"
#include "stats/block.h"

namespace txindex::bench {

enum class Of {
  transfers,  // legacy, one signature, 215 bytes
  v0,         // with an address lookup
  v1,
  mixed,    // tools::Mix::mixed: mostly transfers
  mainnet,  // two of Solana's: legacy with four signatures, v0 with three lookup tables
};

// As many of each. Together they are larger than an L1 cache, and fit an L2 cache.
constexpr std::size_t kTransactions = 2000;

// Made when they are first asked for. One thread.
const std::vector<wire::Buffer>& transactions(Of of);
std::size_t total_bytes(Of of);

// In the middle of a partition of an hour, in microseconds since the Unix epoch.
constexpr std::int64_t kTime = 1'800'001'800'000'000;

// As a producer sends them: TX frames with a time; lines of base64.
wire::Buffer frames(Of of);
wire::Buffer lines(Of of);

// What the stages on the loop share, with a budget that is never used up.
struct LoopParts {
  stats::Block stats{};
  flow::Gate gate{std::size_t{1} << 30, stats};
  flow::ChunkPool chunks{gate};
};

// An item whose transaction has its outcome already, so that it may be dropped.
flow::Item completed_item();

}  // namespace txindex::bench
