// Certificates of a test's own, made when it runs: an authority, and what it signs.
#pragma once

#include <memory>
#include <string>

#include "support/temp_dir.h"

namespace txindex::test {

class Authority {
 public:
  // Files go to `dir`, which must outlive it.
  Authority(const TempDir& dir, const std::string& name);
  ~Authority();

  // Its own certificate, PEM.
  std::string file() const;

  struct Files {
    std::string certificate;
    std::string key;
  };
  // Signs for localhost and 127.0.0.1, or for `host`; good from now for `seconds`, which may be in
  // the past.
  Files sign(const std::string& name, long seconds = 3600, const std::string& host = "") const;

 private:
  struct Pair;
  std::string path(const std::string& name) const;

  const TempDir& dir_;
  std::string name_;
  std::unique_ptr<Pair> own_;
};

}  // namespace txindex::test
