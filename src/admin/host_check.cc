#include "admin/host_check.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

namespace txindex::admin {
namespace {

bool is_port(std::string_view text) {
  return text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  // A name may be written with the dot of the root behind it.
  if (a.ends_with('.')) a.remove_suffix(1);
  if (b.ends_with('.')) b.remove_suffix(1);
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

bool host_allowed(std::string_view host, const std::vector<std::string>& names) {
  boost::system::error_code no_address;
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == std::string_view::npos) return false;
    const auto rest = host.substr(end + 1);
    if (!rest.empty() && (rest[0] != ':' || !is_port(rest.substr(1)))) return false;
    boost::asio::ip::make_address_v6(host.substr(1, end - 1), no_address);
    return !no_address;
  }
  if (const auto colon = host.rfind(':'); colon != std::string_view::npos) {
    if (!is_port(host.substr(colon + 1))) return false;
    host = host.substr(0, colon);
  }
  boost::asio::ip::make_address_v4(host, no_address);
  if (!no_address || same_name(host, "localhost")) return true;
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return same_name(host, name); });
}

}  // namespace txindex::admin
