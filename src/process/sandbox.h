// What a child that serves strangers gives up for good, so that whoever takes it over has a process
// that can go on serving and little else: Landlock limits the files that it can open, seccomp the
// system calls that it can make. No file is executed, none is opened to be written: the log is open
// already, to be appended to, and after SIGUSR1 the supervisor opens it again.
//
// The supervisor keeps everything: it starts programs.
//
// Not under AddressSanitizer and ThreadSanitizer: their runtimes read /proc, and the leak check at
// exit starts a process that traces this one. kSandboxAvailable says so, and nothing else does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "txindex/result.h"

namespace txindex::process {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSandboxAvailable = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSandboxAvailable = false;
#else
inline constexpr bool kSandboxAvailable = true;
#endif
#else
inline constexpr bool kSandboxAvailable = true;
#endif

enum class SandboxRole : std::uint8_t {
  worker,  // accepts, and connects to PostgreSQL again and again
  admin,   // accepts, and reads nothing but memory
};

struct Sandbox {
  SandboxRole role = SandboxRole::worker;
  // Files and folders that may be read beside the system's own. What is not there is left out. A
  // file that is replaced by another of its name is not that file any more: name its folder.
  std::vector<std::string> readable;
  // PostgreSQL's is one, which then the kernel cannot tell from those of other processes.
  bool abstract_sockets = false;
};

// Whether the file is among those, links followed, that a confined process can read. A file that is
// not there yet counts by its folder.
bool may_read(const Sandbox& sandbox, const std::string& file);

// Limits the files. For this thread and all that it starts: call it before there are others.
//
// Both functions log at level info what the kernel lacks, and succeed without it; they fail when a
// kernel that has it refuses.
result<void> confine_files(const Sandbox& sandbox);

// Limits the system calls, of all threads. A call that is not listed fails with ENOSYS, as on a
// kernel that does not have it: the C library is prepared for that, and a worker that was killed
// for a harmless new one would cost its producers their connections. What nothing but an intruder
// would do, to execute a program or to reach into another process, ends the process with SIGSYS,
// which the supervisor logs. The kernel's audit log has both.
result<void> confine_calls(const Sandbox& sandbox);

}  // namespace txindex::process
