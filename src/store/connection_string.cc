#include "store/connection_string.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "text/edit_distance.h"

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

constexpr std::size_t kPasswordBytesMax = 1024;

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
using Values = std::map<std::string, std::string>;

Values values_of(const Options& options) {
  Values values;
  for (const PQconninfoOption* at = options.get(); at != nullptr && at->keyword != nullptr; ++at) {
    if (at->val != nullptr) values[at->keyword] = at->val;
  }
  return values;
}

std::string in_quotes(std::string_view value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  return text + "'";
}

// With the environment and libpq's own defaults.
Values with_defaults(const Values& given) {
  Values all = values_of(Options(PQconndefaults(), &PQconninfoFree));
  for (const auto& [keyword, value] : given)
    all[keyword] = value;
  return all;
}

std::string address_of(Values all) {
  std::string host = all["host"].empty() ? all["hostaddr"] : all["host"];
  if (host.empty()) host = "local socket";
  const std::string database = all["dbname"].empty() ? all["user"] : all["dbname"];
  return host + ":" + all["port"] + "/" + database;
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
    if (text::edit_distance(word, at->keyword) <= 2) {
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

result<Values> parse(const std::string& conninfo, const std::string& setting = "database") {
  if (const char* mistake = mistake_in_uri(conninfo); mistake != nullptr) {
    return configuration_failure(setting + ": " + std::string(mistake));
  }
  char* problem = nullptr;
  const Options parsed(PQconninfoParse(conninfo.c_str(), &problem), &PQconninfoFree);
  if (!parsed) {
    const std::string why = problem == nullptr ? "out of memory" : without_secrets(problem);
    PQfreemem(problem);
    return configuration_failure(setting + ": " + why);
  }
  Values values = values_of(parsed);
  if (const char* mistake = mistake_in(values); mistake != nullptr) {
    return configuration_failure(setting + ": " + std::string(mistake));
  }
  return values;
}

std::string joined(const Values& values) {
  std::string text;
  for (const auto& [keyword, value] : values)
    text += keyword + "=" + in_quotes(value) + " ";
  return text;
}

// The first line of the file becomes the password among the values.
result<void> read_password(const std::string& path, const std::string& setting, Values& values) {
  const auto refused = [&](const std::string& why) {
    return configuration_failure(setting + ": " + path + ": " + why);
  };
  std::ifstream file(path);
  if (!file) return refused(std::string("cannot be read: ") + std::strerror(errno));
  std::string password(kPasswordBytesMax + 2, '\0');  // with \r\n behind it
  file.read(password.data(), static_cast<std::streamsize>(password.size()));
  if (file.bad()) return refused(std::string("cannot be read: ") + std::strerror(errno));
  password.resize(static_cast<std::size_t>(file.gcount()));
  password.resize(std::min(password.find('\n'), password.size()));
  if (password.ends_with('\r')) password.pop_back();
  if (password.empty()) return refused("the first line is empty; it has to be the password");
  if (password.size() > kPasswordBytesMax) {
    return refused("the first line is longer than " + std::to_string(kPasswordBytesMax) +
                   " bytes; it has to be the password");
  }
  if (password.find('\0') != std::string::npos) {
    return refused("there is a NUL in the first line; it has to be the password, as text");
  }
  values.emplace("password", std::move(password));
  return {};
}

}  // namespace

result<ConnectionString> parse_connection_string(const std::string& conninfo) {
  auto parsed = parse(conninfo);
  if (!parsed) return parsed.error();
  Values& values = *parsed;
  Values all = with_defaults(values);
  const std::string user = all["user"];
  const std::string address = address_of(std::move(all));
  for (const Default& d : kDefaults) {
    const bool in_environment = d.variable != nullptr && std::getenv(d.variable) != nullptr;
    if (!in_environment) values.emplace(d.keyword, d.value);
  }
  values["client_encoding"] = "UTF8";
  return ConnectionString{joined(values), address, user};
}

std::vector<std::string> files_of(const std::string& conninfo) {
  std::vector<std::string> files;
  // As libpq finds them.
  std::string home;
  if (const char* given = std::getenv("HOME"); given != nullptr && *given != '\0') {
    home = given;
  } else if (const passwd* user = ::getpwuid(::geteuid()); user != nullptr) {
    home = user->pw_dir;
  }
  if (!home.empty()) {
    files = {home + "/.postgresql", home + "/.pgpass", home + "/.pg_service.conf"};
  }
  if (const char* services = std::getenv("PGSERVICEFILE"); services != nullptr) {
    files.emplace_back(services);
  }
  const auto parsed = parse(conninfo);
  if (!parsed) return files;
  Values all = with_defaults(*parsed);
  if (!all["passfile"].empty()) files.push_back(all["passfile"]);
  for (const char* keyword : {"sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir"}) {
    const std::string& path = all[keyword];
    if (path.empty()) continue;
    const auto end = path.rfind('/');
    files.push_back(end == std::string::npos || end == 0 ? path : path.substr(0, end));
  }
  return files;
}

bool has_password(const std::string& conninfo) {
  const auto parsed = parse(conninfo);
  return parsed && parsed->contains("password");
}

bool has_abstract_socket(const std::string& conninfo) {
  const auto parsed = parse(conninfo);
  if (!parsed) return false;
  const std::string host = with_defaults(*parsed)["host"];
  return host.starts_with('@') || host.find(",@") != std::string::npos;
}

result<void> add_password(std::string& conninfo, const std::string& password_file,
                          const PasswordSetting& setting) {
  auto parsed = parse(conninfo, setting.conninfo);
  if (!parsed) return parsed.error();
  if (password_file.empty()) return {};
  if (parsed->contains("password")) {
    return configuration_failure(setting.conninfo + " has a password in it, and " + setting.file +
                                 " (" + password_file + ") is another: remove one of them");
  }
  if (auto ok = read_password(password_file, setting.file, *parsed); !ok) return ok.error();
  conninfo = joined(*parsed);
  return {};
}

}  // namespace txindex::store
