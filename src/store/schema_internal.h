// check_schema() on a connection that is there already. For src/store only: includes libpqxx.
#pragma once

#include <chrono>
#include <pqxx/connection>
#include <string>

#include "txindex/result.h"

namespace txindex::store {

// Throws what libpqxx throws when the connection does not serve. `address` is for the message.
result<void> check_schema_on(pqxx::connection_base& connection, const std::string& address,
                             std::chrono::seconds partition_interval);

// Before anything else on a connection: names in statements mean what is written there, whatever
// the role, the database or other people's schemas say. pg_temp is named so that it comes last.
inline constexpr const char* kPinSearchPath = "SET search_path = pg_catalog, pg_temp";

// The first line of a message of libpq or libpqxx, without its end of line; what comes behind it
// may be values of rows. Of a connection that cannot be made, what each address of the server said.
std::string first_line(const std::exception& problem);

// The same for a privilege that is missing, with what to do about it.
std::string without_privilege(const std::exception& problem);

}  // namespace txindex::store
