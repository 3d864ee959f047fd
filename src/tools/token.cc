#include "tools/token.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "access/tokens.h"

namespace txindex::tools {
namespace {

// Never over one that is there: it may be in use.
result<void> write_secret(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failure(path + ": " + std::strerror(errno));
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  const int problem = errno;
  ::close(fd);
  if (!written) return failure(path + ": " + std::strerror(problem));
  return {};
}

}  // namespace

result<void> make_producer_token(const TokenOptions& options) {
  const std::string token = access::make_token();
  std::string line = options.name + " " + access::to_string(access::hash_of(token));
  if (!options.limits.empty()) line += " " + options.limits;
  // As a server will read it.
  if (auto ok = access::parse_tokens(line, "the line for the file"); !ok) return ok.error();
  if (options.out.empty()) {
    std::fprintf(stderr,
                 "the token, which is shown only now, and the line for the server's file:\n");
    std::printf("%s\n", token.c_str());
  } else if (auto ok = write_secret(options.out, token + "\n"); !ok) {
    return ok;
  }
  std::printf("%s\n", line.c_str());
  return {};
}

}  // namespace txindex::tools
