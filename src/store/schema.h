// The schema `txindex` in a database: made and upgraded by numbered migrations.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "txindex/result.h"

namespace txindex::store {

// The version that this binary works with: that of its last migration.
int schema_version();

// Runs the migrations that the database has not had, each in a transaction of its own, one process
// at a time (an advisory lock), and returns how many. `partition_interval`, a whole number of
// minutes, is fixed by the first one.
//
// Fails, all with the address of the database in the message: a connection that cannot be made
// (kExitFailure); a schema newer than this binary, another partition interval than the database's
// (kExitConfiguration); a migration that PostgreSQL refuses (kExitFailure), or that belongs to
// another role than this one (kExitConfiguration).
//
// `ingest`: the role that is to write, where that is another one than `conninfo` is for. It is
// given what it needs, and the database is told how young the transactions are that it must not
// drop.
struct Ingest {
  std::string role;
  std::optional<std::chrono::microseconds> retention;  // none: it drops nothing
};
result<int> migrate(const std::string& conninfo, std::chrono::seconds partition_interval,
                    const std::optional<Ingest>& ingest = {});

// Whether the schema is of this binary's version and has this partition interval.
result<void> check_schema(const std::string& conninfo, std::chrono::seconds partition_interval);

}  // namespace txindex::store
