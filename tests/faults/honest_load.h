// A `txindex load` whose journal is judged, and what the journal says while it runs. One thread,
// which must outlive it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "txindex/endpoint.h"

#include "faults/sent_table.h"
#include "faults/within.h"
#include "support/process.h"
#include "support/temp_dir.h"
#include "tools/journal.h"

namespace txindex::test {

class HonestLoad {
 public:
  struct Options {
    Endpoint server;
    std::chrono::milliseconds duration{};  // for which it sends
    unsigned rate = 1;                     // transactions a second
    unsigned connections = 1;
    // How long a server may be silent; half of it, for a connection. 0: for ever, and 20 s.
    std::chrono::seconds give_up{};
    // From a file: one in kOneInBad does not verify, and all have slots.
    bool some_bad = false;
    std::uint64_t seed = 1;  // of that file
    Within within;
  };
  struct Lane {
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
  };
  using Lanes = std::map<std::uint32_t, Lane>;  // by the connection's number

  // Returns when it sends.
  explicit HonestLoad(const Options& options);

  bool running() { return process_->running(); }
  // As Process::wait().
  int wait(std::chrono::milliseconds limit) { return process_->wait(limit); }
  // Makes it end though it has no answers.
  void abandon();

  // What has been recorded so far.
  const Lanes& lanes();
  std::uint64_t answered();

  std::string journal() const { return dir_ / "journal"; }
  // Of what it sends, what does not verify.
  const std::vector<SentTable::Key>& broken() const { return broken_; }
  // The numbers in its report, when it has ended.
  std::map<std::string, double> report() const;

 private:
  std::string make_file(const Options& options);
  void follow();

  TempDir dir_;
  std::vector<SentTable::Key> broken_;
  std::unique_ptr<Process> process_;
  std::map<std::string, tools::journal::Reader> journals_;
  Lanes lanes_;
  std::uint64_t answered_ = 0;
};

// A .txs file of fresh transactions. Throws if it cannot be made.
void generate_file(const std::string& file, std::uint64_t count, std::uint64_t seed);

}  // namespace txindex::test
