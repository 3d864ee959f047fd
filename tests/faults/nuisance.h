// Producers beside the honest load, with real transactions, each of a kind: some that nobody wants,
// and some that send what they sent before. What strangers do who send no transactions is Crowd's
// (support/crowd.h).
#pragma once

#include <array>
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
  enum class Kind : std::uint8_t {
    vanishes,  // a few transactions, a part of one, and a reset
    stalls,    // the same, and then nothing for a while
    deaf,      // line mode, as many as go through, and no answer read
    lines,     // line mode, all answers read
    repeats,   // a few, and all answers read
  };
  static constexpr std::size_t kKinds = 5;

  // Begins with one thread of each of `kinds`, each of which picks from `file`, a .txs file, at
  // random, again and again.
  Nuisance(Endpoint server, const std::string& file, std::uint64_t seed,
           const std::vector<Kind>& kinds);
  ~Nuisance();  // end()
  Nuisance(const Nuisance&) = delete;
  Nuisance& operator=(const Nuisance&) = delete;

  // Returns when all are gone.
  void end();

  // Connections that went as the kind has it: of those that read their answers, the answered ones;
  // of the deaf, those that had sent until no more went through.
  std::uint64_t visits(Kind kind) const { return visits_[static_cast<std::size_t>(kind)]; }

 private:
  bool visit(Kind kind, int fd, std::uint64_t random);
  bool abuse(Kind kind, int fd, std::uint64_t random);
  bool be_deaf(int fd, std::uint64_t random);
  bool repeat(Kind kind, int fd, std::uint64_t random);
  void run(Kind kind, std::uint64_t seed);
  bool wait(int ms) const;

  const Endpoint server_;
  std::vector<wire::Buffer> frames_;
  std::vector<wire::Buffer> lines_;
  std::array<std::atomic<std::uint64_t>, kKinds> visits_{};
  int stop_ = -1;  // readable when it is over
  std::vector<std::thread> threads_;
};

}  // namespace txindex::test
