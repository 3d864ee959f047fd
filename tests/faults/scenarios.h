// The table of what is done to the service, and what must come of it.
#pragma once

#include <cstdint>
#include <map>
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
  // One after the other: first the first one, then all of them in a drawn order, again and again.
  std::vector<const Act*> acts = {};
  std::pair<int, int> pause_ms = {300, 900};  // between them
  // Not null: must not be 0, or the fault did not bite. For faults that are no acts.
  std::uint64_t (*bites)(const Outcome& outcome) = nullptr;
  Milliseconds least{};     // how long it has to last so that this is certain
  bool may_refuse = false;  // connections: there is nobody for a while
  bool may_reset = false;   // connections: workers die
  // Not null: a negative control. The service breaks a promise, and this must not be 0.
  std::uint64_t (*must_be_seen)(const Outcome& outcome) = nullptr;
};

// Of those in which a promise is broken for the tests' sake, the names begin with "control_".
std::vector<Scenario> controls();
// All: the controls are at the end.
const std::vector<Scenario>& scenarios();
// nullptr: there is none of this name.
const Scenario* find_scenario(const std::string& name);

struct Verdict {
  Outcome outcome;
  std::map<const Act*, int> acts;     // how often each was done
  std::vector<std::string> problems;  // empty: as it should be
};

// Throws SkipScenario, and std::runtime_error when something that is not under test fails.
Verdict play(const Scenario& scenario, const Effort& effort);

// One line of the table of counts, and the line above the table:
//
//   acts bites outages                what was done; how often it was seen to do harm; how often
//                                     PostgreSQL or the network was away and back
//   missing doubled strange unacked   acknowledged and missing; rows more than once; rows never
//   sent,
//                                     unverified or otherwise not as they should be; present and
//                                     not acknowledged, which alone may be other than 0
//   reject                            transactions rejected
//   refused reset hung                connections of the load
//   unans gap_s                       transactions without an answer when all was over; the longest
//                                     time without any answer, in seconds
std::string heading();
std::string to_line(const Scenario& scenario, const Effort& effort, const Verdict& verdict);

}  // namespace txindex::test
