// An admin port that answers as a test tells it. One thread; requests one after the other.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "txindex/endpoint.h"

namespace txindex::test {

class FakeAdmin {
 public:
  // The whole answer to a request for `target`, status line and all, or nothing: it hangs up.
  // Called on the thread of the server.
  using Answer = std::function<std::optional<std::string>(const std::string& target)>;
  // Port 0: one that is free.
  explicit FakeAdmin(Answer answer, std::uint16_t port = 0);
  ~FakeAdmin();
  FakeAdmin(const FakeAdmin&) = delete;
  FakeAdmin& operator=(const FakeAdmin&) = delete;

  Endpoint endpoint() const { return {"127.0.0.1", port_}; }

  static std::string ok(const std::string& body);

 private:
  void serve();
  const Answer answer_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connection_ = -1;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace txindex::test
