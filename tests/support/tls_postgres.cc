#include "support/tls_postgres.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

namespace txindex::test {
namespace {

// PostgreSQL cannot be told to pick a port. One below those that the kernel picks, so that only
// another listener could come in between; tests that run at the same time begin elsewhere.
std::string free_port() {
  for (int i = 0; i < 1000; ++i) {
    const int port = 20'000 + (getpid() * 7 + i) % 10'000;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool is_free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    if (is_free) return std::to_string(port);
  }
  throw std::runtime_error("no free port");
}

}  // namespace

TlsPostgres::TlsPostgres(const std::string& host) : port_(free_port()) {
  const std::string data = cluster_.data_path();
  struct stat owner {};
  if (stat(data.c_str(), &owner) != 0) throw std::runtime_error("stat " + data);
  const Authority::Files files = authority_.sign("server", 3600, host);
  const auto take = [&](const std::string& from, const std::string& to) {
    std::filesystem::copy_file(from, data + to);
    // PostgreSQL refuses a key that others can read.
    if (chmod((data + to).c_str(), 0600) != 0 ||
        chown((data + to).c_str(), owner.st_uid, owner.st_gid) != 0) {
      throw std::runtime_error("chown " + data + to);
    }
  };
  take(files.certificate, "/server.crt");
  take(files.key, "/server.key");
  write_file(data + "/pg_hba.conf", "local all all trust\nhostssl all all 127.0.0.1/32 trust\n");
  cluster_.stop();
  cluster_.start({{"port", port_}, {"listen_addresses", "'127.0.0.1'"}, {"ssl", "on"}});
}

std::string TlsPostgres::conninfo(const std::string& more) const {
  return "host=localhost port=" + port_ + " user=postgres dbname=postgres " + more;
}

}  // namespace txindex::test
