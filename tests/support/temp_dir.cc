#include "support/temp_dir.h"

#include <stdlib.h>

#include <stdexcept>

namespace txindex::test {

TempDir::TempDir() {
  std::string name = std::filesystem::temp_directory_path() / "txindex-test-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace txindex::test
