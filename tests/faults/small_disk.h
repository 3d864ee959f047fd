// A file system of the test's own that is soon full.
#pragma once

#include <cstddef>

#include "support/temp_dir.h"

namespace txindex::test {

class SmallDisk {
 public:
  // Mounts it where only this thread, and what it starts from now on, sees it. Throws if that is
  // not permitted: it takes root.
  explicit SmallDisk(std::size_t bytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::filesystem::path& path() const { return dir_.path(); }
  // Nobody can write another byte, until free().
  void fill();
  void free();

 private:
  TempDir dir_;
};

}  // namespace txindex::test
