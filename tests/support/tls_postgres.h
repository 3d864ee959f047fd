// A PostgreSQL that speaks TLS on 127.0.0.1, and the authority that its certificate is from.
#pragma once

#include <cstdint>
#include <string>

#include "support/postgres.h"
#include "support/temp_dir.h"

namespace txindex::test {

// Made with the program openssl.
class Authority {
 public:
  explicit Authority(const std::string& name);

  // The certificate of the authority itself, for sslrootcert. In a folder of its own.
  std::string certificate() const { return dir_ / "ca.crt"; }

  // Writes NAME.crt and NAME.key into `folder`: for a server that is called `host`.
  void issue(const std::string& folder, const std::string& name, const std::string& host) const;

 private:
  TempDir dir_;
};

class TlsPostgres {
 public:
  // `host` is the name in the server's certificate.
  explicit TlsPostgres(const std::string& host = "localhost");

  PostgresCluster& cluster() { return cluster_; }
  const Authority& authority() const { return authority_; }

  // Over TCP, by name: whoever does not ask for TLS is refused.
  std::string conninfo(const std::string& more) const;

 private:
  Authority authority_{"test authority"};
  std::string port_;
  PostgresCluster cluster_;
};

}  // namespace txindex::test
