#include "txindex/endpoint.h"

#include <charconv>
#include <optional>

namespace txindex {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, port);
  if (digits.empty() || error != std::errc() || at != end) return std::nullopt;
  return port;
}

}  // namespace

result<Endpoint> parse_endpoint(std::string_view text) {
  const auto wrong = [&](const char* why) {
    return configuration_failure("\"" + std::string(text) + "\" " + why +
                                 ": expected HOST:PORT, such as 127.0.0.1:9400 or [::1]:9400");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("has no port");
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return wrong("does not end in a port from 0 to 65535");

  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return wrong("has an opening bracket only");
    host = host.substr(1, host.size() - 2);
    // Brackets are how the port is told from an IPv6 address; nothing else needs them.
    if (host.find(':') == std::string_view::npos) return wrong("has no IPv6 address in brackets");
  } else if (host.find(':') != std::string_view::npos) {
    return wrong("has an IPv6 address without brackets");
  }
  if (host.empty()) return wrong("has no host");
  if (host.find_first_of(std::string_view("[] \t\0", 5)) != std::string_view::npos) {
    return wrong("has a character that no host name has");
  }
  return Endpoint{std::string(host), *port};
}

std::string to_string(const Endpoint& endpoint) {
  const bool ipv6 = endpoint.host.find(':') != std::string::npos;
  return (ipv6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

}  // namespace txindex
