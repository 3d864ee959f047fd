// HOST:PORT, as people write where to listen or to connect.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "txindex/result.h"

namespace txindex {

struct Endpoint {
  std::string host;  // a name or an address; an IPv6 address without its brackets
  std::uint16_t port = 0;

  bool operator==(const Endpoint&) const = default;
};

// "127.0.0.1:9400", "localhost:9400", "[::1]:9400". Port 0 to 65535, in decimal. The host is not
// looked up. Fails, as an error of the configuration, with a message that says what was expected.
result<Endpoint> parse_endpoint(std::string_view text);

// What parse_endpoint() takes: an IPv6 address gets its brackets back.
std::string to_string(const Endpoint& endpoint);

}  // namespace txindex
