// For the tests of the sandbox: a child that does what only an intruder would.
#pragma once

namespace txindex::process {

// Tries what the sandbox forbids, on this thread and on another, and logs what came of each:
// "trespass NAME: WHY". TXINDEX_TEST_TRESPASS names a folder with a file `secret` in it,
// of whose path there is a local socket with an abstract name;
// TXINDEX_TEST_EXECUTE a program that is executed. Does nothing in a released program.
void try_what_is_forbidden();

}  // namespace txindex::process
