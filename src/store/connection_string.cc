#include "store/connection_string.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

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

// How many letters of one are wrong, missing or too many to be the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = std::exchange(row[j + 1], std::min({row[j] + 1, row[j + 1] + 1, replaced}));
    }
  }
  return row.back();
}

// libpq repeats, in quotation marks, what it does not understand: it may be part of a password that
// should have been quoted or percent-encoded. What is left is what is safe to show: not more of it
// than a keyword with a letter or two wrong.
std::string without_secrets(std::string problem) {
  while (!problem.empty() && problem.back() == '\n')
    problem.pop_back();
  const auto first = problem.find('"');
  const auto last = problem.rfind('"');
  if (first == last) return problem;
  const std::string word = problem.substr(first + 1, last - first - 1);
  const Options known(PQconndefaults(), &PQconninfoFree);
  for (const PQconninfoOption* at = known.get(); at != nullptr && at->keyword != nullptr; ++at) {
    if (edit_distance(word, at->keyword) <= 2) {
      return problem + ": did you mean " + at->keyword + "?";
    }
  }
  return problem.substr(0, first) + "..." + problem.substr(last + 1) +
         "; put values with blanks in single quotes, and in a URI percent-encode them";
}

// In a URI a password ends where an @ or a / is. What comes behind it would be taken for the host
// or the database, and be shown as such. Null: there is nothing of the kind.
const char* mistake_in_uri(std::string_view conninfo) {
  constexpr std::string_view kScheme = "://";
  const auto scheme = conninfo.find(kScheme);
  if (scheme == std::string_view::npos || !conninfo.starts_with("postgres")) return nullptr;
  std::string_view rest = conninfo.substr(scheme + kScheme.size());
  const auto at = rest.find('@');
  if (at < rest.find('/')) rest = rest.substr(at + 1);
  if (rest.substr(0, rest.find('?')).find('@') == std::string_view::npos) return nullptr;
  return "an @ where none can be; in a user name or password write @ as %40 and / as %2F";
}

// The same for what has been taken apart.
const char* mistake_in(const Values& values) {
  const auto value = [&](const char* keyword) {
    const auto found = values.find(keyword);
    return found == values.end() ? std::string_view() : std::string_view(found->second);
  };
  if (value("port").find_first_not_of("0123456789, ") != std::string_view::npos) {
    return "the port is no number";
  }
  if (value("dbname").find('=') != std::string_view::npos ||
      value("dbname").find("://") != std::string_view::npos) {
    return "dbname is a connection string itself: give that one as the database";
  }
  return nullptr;
}

}  // namespace

result<ConnectionString> parse_connection_string(const std::string& conninfo) {
  if (const char* mistake = mistake_in_uri(conninfo); mistake != nullptr) {
    return configuration_failure("database: " + std::string(mistake));
  }
  char* problem = nullptr;
  const Options parsed(PQconninfoParse(conninfo.c_str(), &problem), &PQconninfoFree);
  if (!parsed) {
    const std::string why = problem == nullptr ? "out of memory" : without_secrets(problem);
    PQfreemem(problem);
    return configuration_failure("database: " + why);
  }
  Values values = values_of(parsed);
  if (const char* mistake = mistake_in(values); mistake != nullptr) {
    return configuration_failure("database: " + std::string(mistake));
  }
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
