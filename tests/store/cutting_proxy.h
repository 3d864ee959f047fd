// A relay in front of a unix socket that can lose the server's answer: what the client sent has
// been carried out, but it never learns so.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "support/temp_dir.h"

namespace txindex::test {

class CuttingProxy {
 public:
  // Relays to `server`, a unix socket named .s.PGSQL.5432.
  explicit CuttingProxy(std::filesystem::path server);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  // host= of the relay, for libpq.
  std::string host() const { return dir_.path().string(); }

  // The next answer of the server to a request of `min_request_bytes` or more is dropped, and its
  // connection cut.
  void cut_next_answer(std::size_t min_request_bytes);
  int cuts() const { return cuts_; }

 private:
  struct Pair {
    int client;
    int server;
    std::size_t request_bytes = 0;  // since the server's last answer
  };

  void run();
  void accept_one();
  bool relay(Pair& pair, short client_events, short server_events);

  std::filesystem::path server_;
  TempDir dir_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::vector<Pair> pairs_;
  std::atomic<std::size_t> cut_at_{0};  // 0: not armed
  std::atomic<int> cuts_{0};
  std::thread thread_;
};

}  // namespace txindex::test
