// What is said about a database in configuration, as libpq reads it.
#pragma once

#include <string>
#include <vector>

#include "txindex/result.h"

namespace txindex::store {

struct ConnectionString {
  // Keyword and value pairs, with this program's defaults where neither `conninfo` nor the
  // environment (PGCONNECT_TIMEOUT, ...) says otherwise: connections and lost peers are given up
  // in seconds instead of hours, and text is UTF-8.
  std::string options;
  // host:port/database, for messages. Never holds the password.
  std::string address;
  // The role, as libpq takes it: the user of the operating system if nothing else is said.
  std::string user;
};

// `conninfo`: keyword and value pairs, or a URI. Fails (kExitConfiguration) when libpq cannot read
// it, or reads it so that a part of a password would be shown as something else. The message does
// not repeat what was not understood.
result<ConnectionString> parse_connection_string(const std::string& conninfo);

// What libpq may read each time that it connects: the folders of the certificates and keys that are
// named, because these are renewed by files that take their place; the files of passwords and
// services; and its own folder in the home of the user.
std::vector<std::string> files_of(const std::string& conninfo);

// Whether one of its hosts is a local socket with an abstract name (host=@name).
bool has_abstract_socket(const std::string& conninfo);

// Whether it has a password in it. One that libpq cannot read has none.
bool has_password(const std::string& conninfo);

struct PasswordSetting {
  std::string conninfo = "database";
  std::string file = "database.password_file";
};

// Puts the password that is the first line of `password_file` into `conninfo`; leaves `conninfo` as
// it is if `password_file` is empty. Fails (kExitConfiguration), naming the file and never what is
// in it, when it cannot be read, when its first line is empty, longer than 1 KiB or has a NUL in
// it, and when `conninfo` has a password of its own; and when libpq cannot read `conninfo`.
// `setting` names the two in messages.
result<void> add_password(std::string& conninfo, const std::string& password_file,
                          const PasswordSetting& setting = {});

}  // namespace txindex::store
