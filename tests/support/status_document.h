// What GET /status answers, to be changed by a test and given to the tools.
#pragma once

#include <boost/json.hpp>
#include <string>

namespace txindex::test {

// A service that serves with `workers` workers and an admin process; every figure in it is another
// one than its neighbours'.
boost::json::object status_document(int workers);

// Sets the field at a JSON pointer ("/roll/started").
void set(boost::json::object& document, const std::string& pointer, boost::json::value value);

std::string text_of(const boost::json::object& document);

}  // namespace txindex::test
