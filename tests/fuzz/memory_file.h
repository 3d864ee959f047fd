// A file in memory, for readers that want a descriptor or a path.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "fuzz/target.h"
#include "process/descriptor.h"

namespace txindex::fuzz {

class MemoryFile {
 public:
  explicit MemoryFile(Bytes content) : file_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    require(file_.get() >= 0 && ::pwrite(file_.get(), content.data(), content.size(), 0) ==
                                    static_cast<ssize_t>(content.size()),
            "a file in memory can be written");
  }
  int fd() const { return file_.get(); }
  int release() { return file_.release(); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_.get()); }

 private:
  process::Descriptor file_;
};

}  // namespace txindex::fuzz
