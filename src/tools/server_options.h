// Which server a command sends to, and what it shows there: flags of `send` and `load`.
#pragma once

#include <memory>
#include <string>

#include "txindex/client.h"
#include "txindex/endpoint.h"

#include "tools/command.h"

namespace txindex::tools {

// As typed. No token is among the flags, where other users of the machine could see it.
struct ServerFlags {
  std::string server = "127.0.0.1:9400";
  std::string token_file;
  bool tls = false;
  TlsFiles tls_files;
  std::string tls_name;
};

// Declares the flags of a command; they are good once it has been parsed.
std::shared_ptr<ServerFlags> add_server_flags(CLI::App* command);

struct ServerAccess {
  Endpoint server;
  std::string token;
  Tls tls;
  std::string tls_name;
};

// Reads the files; a failure names the one that is wrong.
result<ServerAccess> read_access(const ServerFlags& flags);

}  // namespace txindex::tools
