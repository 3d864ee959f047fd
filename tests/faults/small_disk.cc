#include "faults/small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace txindex::test {
namespace {

void check(int done, const std::string& what) {
  if (done != 0) throw std::runtime_error(what + ": " + std::strerror(errno));
}

}  // namespace

SmallDisk::SmallDisk(std::size_t bytes) {
  check(unshare(CLONE_NEWNS), "unshare the mounts");
  check(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "keep mounts to itself");
  const std::string size = "mode=0755,size=" + std::to_string(bytes);
  check(mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, size.c_str()), "mount a tmpfs");
}

SmallDisk::~SmallDisk() {
  // What still has a file open there keeps it a little longer.
  umount2(dir_.path().c_str(), MNT_DETACH);
}

void SmallDisk::fill() {
  const std::string ballast = dir_ / "ballast";
  const int fd = open(ballast.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error("cannot fill the disk: " + ballast);
  for (std::size_t block = std::size_t{1} << 20; block > 0; block /= 2) {
    const std::vector<char> data(block);
    while (::write(fd, data.data(), data.size()) == static_cast<ssize_t>(data.size())) {
    }
  }
  close(fd);
}

void SmallDisk::free() {
  std::filesystem::remove(dir_ / "ballast");
}

}  // namespace txindex::test
