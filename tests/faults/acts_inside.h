// What the definitions of acts share.
#pragma once

#include "faults/acts.h"

namespace txindex::test::acts {

inline Milliseconds between(Random& random, int least, int most) {
  return Milliseconds(least +
                      static_cast<int>(random.below(static_cast<std::size_t>(most - least))));
}

// How often the act itself saw that it bit.
template <const Act& act>
std::uint64_t seen(const Outcome& outcome) {
  const auto at = outcome.seen.find(act.name);
  return at == outcome.seen.end() ? 0 : at->second;
}

}  // namespace txindex::test::acts
