#include "tools/server_options.h"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace txindex::tools {
namespace {

result<void> read_token(const std::string& file, std::string& token) {
  std::ifstream in(file);
  if (!in || (!std::getline(in, token) && in.bad()))
    return configuration_failure("--token-file: " + file + ": " + std::strerror(errno));
  while (!token.empty() && (token.back() == '\r' || token.back() == ' '))
    token.pop_back();
  if (token.empty() || token.size() > limits::kTokenMaxBytes) {
    return configuration_failure("--token-file: " + file +
                                 ": the first line is no token, of 1 to " +
                                 std::to_string(limits::kTokenMaxBytes) + " bytes");
  }
  return {};
}

}  // namespace

std::shared_ptr<ServerFlags> add_server_flags(CLI::App* command) {
  auto flags = std::make_shared<ServerFlags>();
  command->add_option("--server", flags->server, "HOST:PORT")
      ->envname("TXINDEX_SERVER")
      ->check(endpoint_problem)
      ->capture_default_str();
  command
      ->add_option("--token-file", flags->token_file,
                   "File whose first line is the token that the server asks for")
      ->envname("TXINDEX_TOKEN_FILE");
  auto* tls = command->add_flag("--tls", flags->tls, "Send in TLS 1.3");
  command
      ->add_option("--tls-ca", flags->tls_files.ca,
                   "PEM file: who signs the server's certificate; default: whom the system trusts")
      ->needs(tls);
  command
      ->add_option("--tls-name", flags->tls_name,
                   "Whom the server's certificate has to name; default: the host of --server")
      ->needs(tls);
  auto* certificate = command
                          ->add_option("--tls-certificate", flags->tls_files.certificate,
                                       "PEM file: a certificate, for a server that asks for one")
                          ->needs(tls);
  auto* key = command->add_option("--tls-key", flags->tls_files.key, "PEM file: its private key")
                  ->needs(certificate);
  certificate->needs(key);
  return flags;
}

result<ServerAccess> read_access(const ServerFlags& flags) {
  ServerAccess access;
  access.server = *parse_endpoint(flags.server);
  access.tls_name = flags.tls_name;
  if (!flags.token_file.empty()) {
    if (auto ok = read_token(flags.token_file, access.token); !ok) return ok.error();
  }
  if (flags.tls) {
    auto tls = load_tls(flags.tls_files);
    if (!tls) return tls.error();
    access.tls = *std::move(tls);
  }
  return access;
}

}  // namespace txindex::tools
