// The table of what is done to the service, and what must come of it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "faults/acts.h"
#include "faults/arena.h"

namespace txindex::test {

struct Scenario {
  std::string name;
  std::string what;
  Setup setup = {};
  std::vector<const Act*> acts = {};          // one of them at a time
  std::pair<int, int> pause_ms = {300, 900};  // between them
  std::string seen_in_log = {};               // of the service, else the fault did not bite
  bool may_refuse = false;                    // connections: there is nobody for a while
  bool may_reset = false;                     // connections: workers die
  // Not null: a negative control. The service breaks a promise, and this must not be 0.
  std::uint64_t (*must_be_seen)(const Outcome& outcome) = nullptr;
};

// The promises broken for the test's sake are at the end.
const std::vector<Scenario>& scenarios();
// nullptr: there is none of this name.
const Scenario* find_scenario(const std::string& name);

struct Verdict {
  Outcome outcome;
  int acts = 0;
  std::vector<std::string> problems;  // empty: as it should be
};

// Throws SkipScenario, and std::runtime_error when something that is not under test fails.
Verdict play(const Scenario& scenario, const Effort& effort);

// One line of the table of counts, and the line above the table:
//
//   missing doubled strange unacked   acknowledged and missing; rows more than once; rows never
//   sent,
//                                     unverified or otherwise not as they should be; present and
//                                     not acknowledged, which alone may be other than 0
//   refused reset hung                connections of the load
//   unans gap_s                       transactions without an answer when all was over; the longest
//                                     time without any answer, in seconds
std::string heading();
std::string to_line(const Scenario& scenario, const Effort& effort, const Verdict& verdict);

}  // namespace txindex::test
