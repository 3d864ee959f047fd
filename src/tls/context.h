// What TLS connections are made with: certificate, key, and whom to believe. Loaded once from files
// (PEM), then shared by any number of sessions. TLS 1.3 only: no renegotiation, and no resumption
// and no early data, which could be replayed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "txindex/result.h"

struct ssl_ctx_st;

namespace txindex::tls {

// Immutable; any thread.
class Context {
 public:
  ssl_ctx_st* get() const { return context_.get(); }

 private:
  friend struct Loader;
  explicit Context(std::shared_ptr<ssl_ctx_st> context) : context_(std::move(context)) {}
  std::shared_ptr<ssl_ctx_st> context_;
};

using ContextPtr = std::shared_ptr<const Context>;

struct ServerFiles {
  std::string certificate;  // and behind it those that lead to the root
  std::string key;
  std::string client_ca;  // who signs clients' certificates, which are then required; empty: no one
};

// Failures are errors of the configuration that name the setting (tls.certificate, tls.key,
// tls.client_ca) and the file: it cannot be read, does not match, has expired or is not yet valid.
result<ContextPtr> load_server(const ServerFiles& files);

// What a person should know of files that do work, one line each.
std::vector<std::string> warnings(const ServerFiles& files);

struct ClientFiles {
  std::string ca;           // whom to believe; empty: the authorities that the system trusts
  std::string certificate;  // our own, and its key; empty: none
  std::string key;
};

// Failures name the file.
result<ContextPtr> load_client(const ClientFiles& files);

}  // namespace txindex::tls
