// The stages of a transaction's way through a worker, each alone on one thread, with nothing of the
// system in between: what stage_bench times, and what bench/instructions counts the instructions
// of.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace txindex::bench {

// What one round has done. `bytes` are those of the transactions, as they came.
struct Work {
  std::size_t transactions = 0;
  std::size_t bytes = 0;
};

struct Stage {
  std::string name;
  // The same work in every call; the first ones may allocate what the later ones use again. Ends
  // the program if what comes out is not what went in.
  std::function<Work()> round;
};

// Input is made, and signed, beforehand. verify::start() comes first.
std::vector<Stage> frame_stages();
std::vector<Stage> line_stages();
std::vector<Stage> parse_stages();
std::vector<Stage> loop_stages();
std::vector<Stage> queue_stages();
std::vector<Stage> encode_stages();

// All of them, in the order of the way.
std::vector<Stage> all_stages();

[[noreturn]] void give_up(const std::string& why);

inline void require(bool is_so, const char* what) {
  if (!is_so) give_up(what);
}

}  // namespace txindex::bench
