// A PostgreSQL that speaks TLS on 127.0.0.1, and the authority that its certificate is from.
#pragma once

#include <cstdint>
#include <string>

#include "support/certificates.h"
#include "support/postgres.h"
#include "support/temp_dir.h"

namespace txindex::test {

class TlsPostgres {
 public:
  // `host` is the name in the server's certificate.
  explicit TlsPostgres(const std::string& host = "localhost");

  PostgresCluster& cluster() { return cluster_; }
  const Authority& authority() const { return authority_; }

  // Over TCP, by name: whoever does not ask for TLS is refused.
  std::string conninfo(const std::string& more) const;

 private:
  TempDir dir_;
  Authority authority_{dir_, "postgres"};
  std::string port_;
  PostgresCluster cluster_;
};

}  // namespace txindex::test
