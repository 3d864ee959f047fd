#include "stages/stage.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace txindex::bench {

std::vector<Stage> all_stages() {
  std::vector<Stage> all;
  for (const auto make :
       {frame_stages, line_stages, parse_stages, loop_stages, queue_stages, encode_stages}) {
    auto some = make();
    all.insert(all.end(), std::move_iterator(some.begin()), std::move_iterator(some.end()));
  }
  return all;
}

void give_up(const std::string& why) {
  std::fprintf(stderr, "stages: %s\n", why.c_str());
  std::exit(1);
}

}  // namespace txindex::bench
