// The seccomp filter, made with libseccomp: what is listed here can be called, and no more.
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <memory>

#include "log/log.h"
#include "process/sandbox.h"

namespace txindex::process {
namespace {

struct Group {
  const char* why;
  bool admin;  // the admin process needs it, too
  std::initializer_list<const char*> calls;
};

// With any arguments. A name that this machine's architecture does not have is left out.
const Group kGroups[] = {
    {"the event loop and its timers",
     true,
     {"epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "timerfd_settime", "eventfd2"}},
    {"connections that others have made",
     true,
     {"accept", "accept4", "getpeername", "getsockname", "getsockopt", "recvfrom", "recvmsg",
      "sendmsg", "sendto", "shutdown"}},
    {"what is open already: sockets, the log, the control socket",
     true,
     {"close", "fstat", "read", "readv", "write", "writev"}},
    {"memory, of the C library's and of std::vector's; not mremap, which maps shared pages a "
     "second time and more of a shared file (realloc does without)",
     true,
     {"brk", "madvise", "munmap"}},
    {"threads that wait for each other, and end",
     true,
     {"exit", "futex", "get_robust_list", "membarrier", "rseq", "rt_sigprocmask",
      "sched_getaffinity", "sched_yield", "set_robust_list", "gettid"}},
    {"the clock; a drain that lasts too long is ended by alarm()",
     true,
     {"alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep",
      "setitimer", "time"}},
    {"signals that come; abort() takes its handler away before it raises SIGABRT",
     true,
     {"restart_syscall", "rt_sigaction", "rt_sigreturn", "sigaltstack"}},
    {"the end", true, {"exit_group"}},
    {"what a process may know of itself; random numbers",
     true,
     {"getcpu", "getegid", "geteuid", "getgid", "getpid", "getppid", "getrandom", "getrlimit",
      "getrusage", "getuid", "uname"}},
    {"libpq and name resolution wait for their sockets",
     true,
     {"poll", "ppoll", "pselect6", "select"}},
    {"connecting to PostgreSQL again: its address is looked up, TLS and passwords are read",
     false,
     {"access", "connect", "faccessat", "faccessat2", "getcwd", "getdents64", "lseek", "newfstatat",
      "pread64", "readlink", "readlinkat", "recvmmsg", "sendmmsg", "stat", "lstat", "statfs",
      "fstatfs", "statx", "sysinfo"}},
    {"the netlink socket by which getaddrinfo() learns of the machine's addresses; nothing "
     "listens, because listen() is not here",
     false,
     {"bind"}},
};

// Nobody but an intruder tries these.
constexpr const char* kDeadly[] = {
    "execve", "execveat",    "ptrace",       "process_vm_readv", "process_vm_writev", "userfaultfd",
    "bpf",    "init_module", "finit_module", "kexec_load",       "kexec_file_load"};

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), &seccomp_release) {
    if (!context_) problem_ = ENOMEM;
  }

  void set(scmp_filter_attr attribute, std::uint32_t value) {
    note(seccomp_attr_set(context_.get(), attribute, value));
  }
  void allow(const char* name) { add(SCMP_ACT_ALLOW, name, {}); }
  // With arguments of which all conditions hold.
  void allow(const char* name, std::initializer_list<scmp_arg_cmp> conditions) {
    add(SCMP_ACT_ALLOW, name, conditions);
  }
  void allow(const char* name, scmp_arg_cmp condition) { allow(name, {condition}); }
  void kill(const char* name) { add(SCMP_ACT_KILL_PROCESS, name, {}); }

  // 0, or the first error.
  int load() {
    if (problem_ == 0) note(seccomp_load(context_.get()));
    return problem_;
  }

 private:
  void add(std::uint32_t action, const char* name, std::initializer_list<scmp_arg_cmp> conditions) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number < 0 || problem_ != 0) return;  // not of this architecture
    note(seccomp_rule_add_array(context_.get(), action, number,
                                static_cast<unsigned>(conditions.size()), conditions.begin()));
  }
  void note(int status) {
    if (status < 0 && problem_ == 0) problem_ = -status;
  }

  std::unique_ptr<void, decltype(&seccomp_release)> context_;
  int problem_ = 0;
};

scmp_arg_cmp is(unsigned argument, std::uint64_t value) {
  return {argument, SCMP_CMP_EQ, value, 0};
}
// Of the bits of `mask`, exactly those of `value` are set.
scmp_arg_cmp has(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

// Memory is written to or executed, never both: code cannot be brought in as data. A library that
// is loaded late is mapped for execution as it is in its file; what is shared is not executed,
// because somebody may be able to write it.
void allow_memory(Filter& filter) {
  constexpr std::uint64_t both = PROT_WRITE | PROT_EXEC;
  for (const std::uint64_t part : {PROT_NONE, PROT_WRITE})
    filter.allow("mmap", has(2, both, part));
  filter.allow("mmap", {has(2, both, PROT_EXEC), has(3, MAP_TYPE, MAP_PRIVATE)});
  filter.allow("mprotect", has(2, PROT_EXEC, 0));
}

// Threads, not processes. clone3 has its flags where a filter cannot see them; without it the C
// library uses clone.
void allow_threads(Filter& filter) {
  filter.allow("clone", has(0, CLONE_THREAD, CLONE_THREAD));
}

void allow_signals_to_itself(Filter& filter) {
  const auto self = static_cast<std::uint64_t>(::getpid());
  filter.allow("kill", is(0, self));
  filter.allow("tgkill", is(0, self));
}

// By F_SETOWN, F_SETSIG and O_ASYNC, or the requests of ioctl() that do the same (FIOSETOWN,
// SIOCSPGRP, FIOASYNC), the kernel sends any signal to any process of the user: none is here.
void allow_descriptor_flags(Filter& filter, const Sandbox& sandbox) {
  for (const std::uint64_t command : {F_GETFD, F_SETFD, F_GETFL})
    filter.allow("fcntl", is(1, command));
  // libpq's sockets are made not to block, and nothing else has its flags changed. Not the log
  // either: without O_APPEND one could write over what is there. Who is not the log differs from it
  // in one bit at least; a filter cannot say "not equal" of 32 bits out of 64.
  if (sandbox.role != SandboxRole::worker) return;
  constexpr unsigned kBits = 31;
  const auto log = static_cast<std::uint64_t>(log::descriptor());
  for (unsigned i = 0; i < kBits; ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    const std::uint64_t above = ~((std::uint64_t{1} << kBits) - 1);
    filter.allow("fcntl",
                 {has(0, above | bit, ~log & bit), is(1, F_SETFL), is(2, O_RDWR | O_NONBLOCK)});
  }
}

// What is set of sockets, and no more: a filter program (SO_ATTACH_REUSEPORT_CBPF) on the listening
// socket would give an intruder the connections of all workers.
void allow_socket_options(Filter& filter, const Sandbox& sandbox) {
  struct Option {
    std::uint64_t level;
    std::uint64_t name;
  };
  const auto allow = [&](const Option& option) {
    filter.allow("setsockopt", {is(1, option.level), is(2, option.name)});
  };
  allow({IPPROTO_TCP, TCP_NODELAY});
  if (sandbox.role != SandboxRole::worker) return;
  for (const Option& option : {
           Option{SOL_SOCKET, SO_KEEPALIVE},       // of producers and PostgreSQL
           Option{SOL_SOCKET, SO_SNDBUF},          // of producers
           Option{IPPROTO_TCP, TCP_USER_TIMEOUT},  // of both
           Option{IPPROTO_TCP, TCP_KEEPIDLE},      // libpq
           Option{IPPROTO_TCP, TCP_KEEPINTVL},     // libpq
           Option{IPPROTO_TCP, TCP_KEEPCNT},       // libpq
           Option{IPPROTO_IP, IP_RECVERR},         // the C library's questions to name servers
           Option{IPPROTO_IPV6, IPV6_RECVERR},     // the same
       })
    allow(option);
}

void allow_small_questions(Filter& filter) {
  for (const std::uint64_t request : {std::uint64_t{FIONBIO}, std::uint64_t{FIONREAD},
                                      std::uint64_t{TCGETS}, std::uint64_t{SIOCOUTQ}})
    filter.allow("ioctl", is(1, request));
  filter.allow("prctl", is(0, PR_SET_NAME));
  filter.allow("prlimit64", is(2, 0));  // to know a limit, not to change it
}

// Files are read, where Landlock lets them be, and none is opened to be written. After SIGUSR1 the
// log takes the place of the one before, under its number.
void allow_files(Filter& filter, const Sandbox& sandbox) {
  constexpr std::uint64_t how =
      O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
  if (sandbox.role == SandboxRole::worker) {
    filter.allow("open", has(1, how, O_RDONLY));
    filter.allow("openat", has(2, how, O_RDONLY));
  }
  filter.allow("dup3", is(1, static_cast<std::uint64_t>(log::descriptor())));
}

// To PostgreSQL and the name servers; AF_NETLINK is getaddrinfo()'s. Local ones are streams: with
// datagrams a process could send a descriptor to itself, and have it under another number.
void allow_sockets(Filter& filter) {
  constexpr std::uint64_t kTypes = 0xf;  // without SOCK_CLOEXEC and SOCK_NONBLOCK
  filter.allow("socket", {is(0, AF_UNIX), has(1, kTypes, SOCK_STREAM)});
  for (const std::uint64_t family : {AF_INET, AF_INET6, AF_NETLINK})
    filter.allow("socket", is(0, family));
}

bool kernel_has_filters() {
  const std::uint32_t action = SECCOMP_RET_KILL_PROCESS;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

}  // namespace

result<void> confine_calls(const Sandbox& sandbox) {
  if constexpr (!kSandboxAvailable) return {};
  if (!kernel_has_filters()) {
    log::event(log::Level::info,
               "system calls are not confined: the kernel, or a container, has no seccomp filters",
               {{"reason", std::strerror(errno)}});
    return {};
  }
  Filter filter;
  filter.set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  filter.set(SCMP_FLTATR_CTL_TSYNC, 1);     // all threads
  filter.set(SCMP_FLTATR_CTL_LOG, 1);       // what is refused is in the audit log
  filter.set(SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a tree: eight comparisons a call instead of a hundred
  for (const auto& group : kGroups) {
    if (sandbox.role == SandboxRole::admin && !group.admin) continue;
    for (const char* name : group.calls)
      filter.allow(name);
  }
  allow_memory(filter);
  allow_threads(filter);
  allow_signals_to_itself(filter);
  allow_descriptor_flags(filter, sandbox);
  allow_socket_options(filter, sandbox);
  allow_small_questions(filter);
  allow_files(filter, sandbox);
  if (sandbox.role == SandboxRole::worker) allow_sockets(filter);
  for (const char* name : kDeadly)
    filter.kill(name);
  if (const int problem = filter.load(); problem != 0) {
    return failure(std::string("sandbox: seccomp: ") + std::strerror(problem) +
                   "; sandbox = off does without it");
  }
  return {};
}

}  // namespace txindex::process
