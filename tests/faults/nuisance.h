// Producers that nobody wants: they vanish in the middle of a frame, stall there, never read what
// they are answered, or send a byte now and then. What they send are real transactions, so that
// some of them are stored.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "txindex/endpoint.h"
#include "txindex/wire/frame.h"

namespace txindex::test {

class Nuisance {
 public:
  // Begins with one thread of each kind. `file` is a .txs file.
  Nuisance(Endpoint server, const std::string& file, std::uint64_t seed);
  ~Nuisance();
  Nuisance(const Nuisance&) = delete;
  Nuisance& operator=(const Nuisance&) = delete;

  // Connections that were made.
  int connections() const { return connections_; }

 private:
  enum class Kind : std::uint8_t { vanishes, stalls, deaf, slow };
  void run(Kind kind, std::uint64_t seed);
  void visit(Kind kind, int fd, std::uint64_t random);
  bool wait(int ms) const;

  const Endpoint server_;
  std::vector<wire::Buffer> frames_;
  std::atomic<int> connections_{0};
  int stop_ = -1;  // readable when it is over
  std::vector<std::thread> threads_;
};

}  // namespace txindex::test
