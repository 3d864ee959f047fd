#include "process/sandbox_trial.h"

#ifdef TXINDEX_TEST_SWITCHES
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>

#include "log/log.h"
#include "process/descriptor.h"
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

// What is permitted, and would be missed in silence.
void ask() {
  attempt("allowed unsent-bytes", [] {
    const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    int unsent = 0;
    return ::ioctl(socket.get(), SIOCOUTQ, &unsent);
  });
}

// Whether one of the open descriptors is memory that can be mapped to be executed. -1 if none is.
long map_what_is_shared() {
  constexpr int kDescriptors = 1024;
  for (int fd = 0; fd < kDescriptors; ++fd) {
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED) return ::munmap(page, 4096);
  }
  return -1;
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
  // Each makes the kernel send signals to other processes, or is a step on the way to it.
  attempt("owner-of-signals", [] { return ::fcntl(STDERR_FILENO, F_SETOWN, ::getppid()); });
  attempt("choice-of-signal", [] { return ::fcntl(STDERR_FILENO, F_SETSIG, SIGKILL); });
  const Descriptor connected(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int socket = connected ? connected.get() : STDERR_FILENO;
  attempt("signals-by-flag",
          [&] { return ::fcntl(socket, F_SETFL, O_RDWR | O_NONBLOCK | O_ASYNC); });
  attempt("signals-by-ioctl", [&] {
    int on = 1;
    return ::ioctl(socket, FIOASYNC, &on);
  });
  for (const unsigned long request : {FIOSETOWN, SIOCSPGRP}) {
    attempt("owner-by-ioctl", [&] {
      int owner = 0;  // nobody: who is not confined must not be hurt
      return ::ioctl(socket, request, &owner);
    });
  }
  attempt("steer-connections", [&] {
    sock_filter to_first{BPF_RET | BPF_K, 0, 0, 0};
    const sock_fprog program{1, &to_first};
    return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  });
  attempt("overwrite-log", [] {
    const int flags = ::fcntl(log::descriptor(), F_GETFL);
    const int done = ::fcntl(log::descriptor(), F_SETFL, O_RDWR | O_NONBLOCK);
    if (done == 0) ::fcntl(log::descriptor(), F_SETFL, flags);
    return done;
  });
  attempt("second-log", [] { return ::dup(log::descriptor()); });
  attempt("abstract-socket", [&] {
    const Descriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::size_t bytes = std::min(folder.size(), sizeof(name.sun_path) - 1);
    std::memcpy(name.sun_path + 1, folder.data(), bytes);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + bytes);
    return client ? ::connect(client.get(), reinterpret_cast<sockaddr*>(&name), size) : -1;
  });
  attempt("send-descriptor", [] { return ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); });
  attempt("execute-what-is-shared", [] { return map_what_is_shared(); });
  attempt("execute-shared", [] {
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -1L : ::munmap(page, 4096);
  });
  attempt("map-twice", [] {
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return -1L;
    return ::mremap(page, 0, 4096, MREMAP_MAYMOVE) == MAP_FAILED ? -1L : 0L;
  });
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
    ask();
  }
  if (const char* program = std::getenv("TXINDEX_TEST_EXECUTE"); program != nullptr) {
    ::execl(program, program, static_cast<char*>(nullptr));
    log::debug("trespass execute: {}", std::strerror(errno));
  }
}
#endif

}  // namespace txindex::process
