#include "fuzz/target.h"

#include <cstdio>
#include <cstdlib>

#include "log/log.h"

namespace txindex::fuzz {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

void be_quiet() {
  static const bool quiet = log::initialise({.level = "critical"}, "fuzz").has_value();
  require(quiet, "the log can be set up");
}

std::map<std::string, Target>& targets() {
  static std::map<std::string, Target> all;
  return all;
}

}  // namespace txindex::fuzz
