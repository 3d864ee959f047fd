// Landlock, by its system calls: the C library has no functions for them.
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "log/log.h"
#include "process/descriptor.h"
#include "process/sandbox.h"

namespace txindex::process {
namespace {

struct Readable {
  const char* path;
  const char* why;
};
// Folders, and not the files in them, because these are replaced while the service runs.
constexpr Readable kSystemFiles[] = {
    {"/usr", "libraries that name resolution and TLS load when they need them; time zones; CAs"},
    {"/lib", "the same, where it is not a link into /usr"},
    {"/lib64", "the same"},
    {"/etc", "hosts, resolv.conf, nsswitch.conf, services, ssl: where PostgreSQL's name leads to"},
    {"/run/systemd/resolve", "where /etc/resolv.conf may point"},
    {"/run/resolvconf", "the same"},
    {"/run/NetworkManager", "the same"},
};

// Those that the header of the oldest kernel that this is built on does not have.
constexpr std::uint64_t kTruncate = 1U << 14;
constexpr std::uint64_t kIoctlDevice = 1U << 15;
constexpr std::uint64_t kScopeAbstractSockets = 1U << 0;
constexpr std::uint64_t kScopeSignals = 1U << 1;

// landlock_ruleset_attr, which has grown: a kernel takes as much of it as it knows.
struct Ruleset {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;
  std::uint64_t scoped = 0;  // what reaches no process but this one
};
std::size_t known_bytes(long abi) {
  return abi >= 6 ? sizeof(Ruleset) : sizeof(Ruleset::handled_access_fs);
}

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

// Everything that the kernel can deny.
std::uint64_t all_rights(long abi) {
  std::uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
  if (abi >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3) rights |= kTruncate;
  if (abi >= 5) rights |= kIoctlDevice;
  return rights;
}

Failure refused(const std::string& what) {
  return failure("sandbox: " + what + ": " + std::strerror(errno) +
                 "; sandbox = off does without it");
}

result<void> allow_reading(const Descriptor& rules, const std::string& path) {
  const Descriptor at(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!at) return {};  // not there, or not for this user: nothing to be read then
  struct stat status {};
  if (::fstat(at.get(), &status) != 0) return refused(path);
  std::uint64_t rights = kRead;
  if (!S_ISDIR(status.st_mode)) rights &= LANDLOCK_ACCESS_FS_READ_FILE;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights;
  rule.parent_fd = at.get();
  if (::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
    return refused(path);
  }
  return {};
}

}  // namespace

bool may_read(const Sandbox& sandbox, const std::string& file) {
  namespace fs = std::filesystem;
  std::vector<std::string> readable = sandbox.readable;
  if (sandbox.role == SandboxRole::worker) {
    for (const auto& [path, why] : kSystemFiles)
      readable.emplace_back(path);
  }
  const auto real = [](const std::string& path) {
    std::error_code problem;
    const fs::path found = fs::weakly_canonical(fs::absolute(path, problem), problem);
    return found.has_filename() ? found : found.parent_path();
  };
  const fs::path wanted = real(file);
  return std::any_of(readable.begin(), readable.end(), [&](const std::string& each) {
    const fs::path allowed = real(each);
    return std::mismatch(allowed.begin(), allowed.end(), wanted.begin(), wanted.end()).first ==
           allowed.end();
  });
}

result<void> confine_files(const Sandbox& sandbox) {
  if constexpr (!kSandboxAvailable) return {};
  ::tzset();  // while the file of the time zone can be read: the log has local time
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) {
    log::event(log::Level::info,
               "files are not confined: the kernel, or a container, has no Landlock",
               {{"reason", std::strerror(errno)}});
    return {};
  }
  Ruleset handled;
  handled.handled_access_fs = all_rights(abi);
  handled.scoped = kScopeSignals;
  if (!sandbox.abstract_sockets) handled.scoped |= kScopeAbstractSockets;
  const Descriptor rules(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, known_bytes(abi), 0)));
  if (!rules) return refused("Landlock");
  if (sandbox.role == SandboxRole::worker) {
    for (const auto& [path, why] : kSystemFiles) {
      if (auto ok = allow_reading(rules, path); !ok) return ok;
    }
  }
  for (const auto& path : sandbox.readable) {
    if (auto ok = allow_reading(rules, path); !ok) return ok;
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) {
    return refused("Landlock");
  }
  return {};
}

}  // namespace txindex::process
