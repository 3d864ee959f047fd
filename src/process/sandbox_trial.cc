#include "process/sandbox_trial.h"

#ifdef TXINDEX_TEST_SWITCHES
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>

#include "log/log.h"
#endif

namespace txindex::process {

#ifndef TXINDEX_TEST_SWITCHES
void try_what_is_forbidden() {}
#else
namespace {

void attempt(const char* name, const std::function<long()>& action) {
  errno = 0;
  const bool failed = action() < 0;
  log::debug("trespass {}: {}", name, failed ? std::strerror(errno) : "done");
}

void trespass(const std::string& folder) {
  attempt("read", [&] { return ::open((folder + "/secret").c_str(), O_RDONLY | O_CLOEXEC); });
  attempt("create",
          [&] { return ::open((folder + "/new").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600); });
  attempt("append", [&] {
    return ::open((folder + "/secret").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  });
  attempt("remove", [&] { return ::unlink((folder + "/new").c_str()); });
  attempt("rename",
          [&] { return ::rename((folder + "/secret").c_str(), (folder + "/stolen").c_str()); });
  attempt("mkdir", [&] { return ::mkdir((folder + "/folder").c_str(), 0700); });
  attempt("chmod", [&] { return ::chmod((folder + "/secret").c_str(), 0777); });
  attempt("fork", [] {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    return child;
  });
  attempt("signal", [] { return ::kill(::getppid(), 0); });
  attempt("raise-limit", [] {
    const rlimit limit{0, 0};
    return ::setrlimit(RLIMIT_CORE, &limit);
  });
  attempt("memfd", [] { return ::memfd_create("code", MFD_CLOEXEC); });
  attempt("raw-socket", [] { return ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); });
  attempt("listen", [] {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? fd : ::listen(fd, 1);
  });
  attempt("write-and-execute", [] {
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -1L : 0L;
  });
  attempt("make-executable", [] {
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? 0L : ::mprotect(page, 4096, PROT_READ | PROT_EXEC);
  });
}

}  // namespace

void try_what_is_forbidden() {
  if (const char* folder = std::getenv("TXINDEX_TEST_TRESPASS"); folder != nullptr) {
    trespass(folder);
    std::thread([&] { trespass(folder); }).join();
  }
  if (const char* program = std::getenv("TXINDEX_TEST_EXECUTE"); program != nullptr) {
    ::execl(program, program, static_cast<char*>(nullptr));
    log::debug("trespass execute: {}", std::strerror(errno));
  }
}
#endif

}  // namespace txindex::process
