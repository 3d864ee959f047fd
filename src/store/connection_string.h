// What is said about a database in configuration, as libpq reads it.
#pragma once

#include <string>

#include "txindex/result.h"

namespace txindex::store {

struct ConnectionString {
  // Keyword and value pairs, with this program's defaults where neither `conninfo` nor the
  // environment (PGCONNECT_TIMEOUT, ...) says otherwise: connections and lost peers are given up
  // in seconds instead of hours, and text is UTF-8.
  std::string options;
  // host:port/database, for messages. Never holds the password.
  std::string address;
};

// `conninfo`: keyword and value pairs, or a URI. Fails (kExitConfiguration) when libpq cannot read
// it, or reads it so that a part of a password would be shown as something else. The message does
// not repeat what was not understood.
result<ConnectionString> parse_connection_string(const std::string& conninfo);

}  // namespace txindex::store
