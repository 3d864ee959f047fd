// Which Host headers are answered. A page of somebody else's, open in an operator's browser, can
// have its own name resolved to 127.0.0.1 (DNS rebinding) and then read what is served there as if
// it were its own; but its name is in the Host header.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace txindex::admin {

// True if `host`, the value of a Host header, is an address in numbers, localhost or one of `names`
// (compared without regard to case), with or without a port.
bool host_allowed(std::string_view host, const std::vector<std::string>& names);

}  // namespace txindex::admin
