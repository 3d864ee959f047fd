// check_schema() on a connection that is there already. For src/store only: includes libpqxx.
#pragma once

#include <chrono>
#include <pqxx/connection>
#include <string>

#include "txindex/result.h"

namespace txindex::store {

// Throws what libpqxx throws when the connection does not serve. `address` is for the message.
result<void> check_schema_on(pqxx::connection& connection, const std::string& address,
                             std::chrono::seconds partition_interval);

// The first line of a message of libpq or libpqxx, without its end of line.
std::string first_line(const std::exception& problem);

}  // namespace txindex::store
