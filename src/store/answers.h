// What the database answers to a writer, and nothing of how it is asked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace txindex::store {

// What an error says about the batch that was sent.
enum class Verdict {
  bad_row,      // SQLSTATE classes 22 and 23: one of the rows is at fault
  conflict,     // deadlock or serialisation failure: the same may succeed at once
  unavailable,  // the session is good
  broken,       // the session is of no more use
  refused,      // there is none: the server or its schema is not one that we write to
};

struct DatabaseError {
  Verdict verdict = Verdict::broken;
  bool in_doubt = false;  // it may have been stored; if not, nothing of it is
  std::string sqlstate;   // empty: not known
  std::string message;    // one line
};

// That a batch was stored.
struct Written {
  bool all_new = false;
  std::vector<std::int64_t> new_ids;  // when not all are
  // PostgreSQL warned: it may have stopped to wait for the replica that has to have the commit.
  bool doubtful = false;
};

}  // namespace txindex::store
