#include "store/connection_string.h"

#include <libpq-fe.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>

namespace txindex::store {
namespace {

struct Default {
  const char* keyword;
  const char* variable;  // of the environment, nullptr: none
  const char* value;
};

// A statement may wait as long as it likes for a server that lives; these notice one that does
// not. tcp_user_timeout is in milliseconds, the others in seconds.
constexpr Default kDefaults[] = {
    {"connect_timeout", "PGCONNECT_TIMEOUT", "5"},
    {"keepalives_idle", nullptr, "15"},
    {"keepalives_interval", nullptr, "5"},
    {"keepalives_count", nullptr, "3"},
    {"tcp_user_timeout", nullptr, "30000"},
    {"fallback_application_name", nullptr, "txindexd"},
};

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
using Values = std::map<std::string, std::string>;

Values values_of(const Options& options) {
  Values values;
  for (const PQconninfoOption* at = options.get(); at != nullptr && at->keyword != nullptr; ++at) {
    if (at->val != nullptr) values[at->keyword] = at->val;
  }
  return values;
}

std::string quoted(std::string_view value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  return text + "'";
}

std::string address_of(const Values& given) {
  // With the environment and libpq's own defaults.
  Values all = values_of(Options(PQconndefaults(), &PQconninfoFree));
  for (const auto& [keyword, value] : given)
    all[keyword] = value;
  std::string host = all["host"].empty() ? all["hostaddr"] : all["host"];
  if (host.empty()) host = "local socket";
  const std::string database = all["dbname"].empty() ? all["user"] : all["dbname"];
  return host + ":" + all["port"] + "/" + database;
}

}  // namespace

result<ConnectionString> parse_connection_string(const std::string& conninfo) {
  char* problem = nullptr;
  const Options parsed(PQconninfoParse(conninfo.c_str(), &problem), &PQconninfoFree);
  if (!parsed) {
    std::string why = problem == nullptr ? "out of memory" : problem;
    PQfreemem(problem);
    while (!why.empty() && why.back() == '\n')
      why.pop_back();
    return configuration_failure("database: " + why);
  }
  Values values = values_of(parsed);
  const std::string address = address_of(values);
  for (const Default& d : kDefaults) {
    const bool in_environment = d.variable != nullptr && std::getenv(d.variable) != nullptr;
    if (!in_environment) values.emplace(d.keyword, d.value);
  }
  values["client_encoding"] = "UTF8";
  std::string options;
  for (const auto& [keyword, value] : values)
    options += keyword + "=" + quoted(value) + " ";
  return ConnectionString{options, address};
}

}  // namespace txindex::store
