// What a load sends: transactions of files, or made on the fly, ready before they are wanted.
//
// Threads of its own read, or make and sign, ahead of those that send, through a queue that holds
// so many and no more. Making one costs about 25 us of a core, far more than sending it; so the
// queue is filled before the clock starts, and a load that is shorter than the queue is not slowed
// by it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "txindex/chain/transaction.h"
#include "txindex/result.h"
#include "txindex/wire/frame.h"

#include "tools/gen_transactions.h"
#include "tools/journal.h"

namespace txindex::tools {

// Transactions in a row, with what else is known of them.
class Pack {
 public:
  std::size_t size() const { return entries_.size(); }
  // A view, good as long as the pack.
  wire::TxFrame tx(std::size_t i) const;
  const journal::Txid& txid(std::size_t i) const { return entries_[i].txid; }

  // `tx` is copied. With `find_txid`, it is parsed for its id.
  void add(const wire::TxFrame& tx, bool find_txid);
  std::size_t bytes() const { return bytes_.size(); }

 private:
  struct Entry {
    wire::TxFrame tx;  // but for the transaction, which may move until the pack is complete
    std::size_t begin;
    std::size_t bytes;
    journal::Txid txid;
  };
  wire::Buffer bytes_;
  std::vector<Entry> entries_;
  chain::TransactionTable table_;
};

class LoadSupply {
 public:
  struct Options {
    std::vector<std::string> files;      // none: transactions are made
    std::optional<std::uint64_t> count;  // at most so many; none: for ever, or all of the files
    std::uint64_t ahead = 200'000;       // how many may wait to be sent
    bool txids = false;                  // those are wanted
    unsigned threads = 1;                // that make them
    std::uint64_t seed = 0;
    std::uint32_t accounts = 1000;
    Mix mix = Mix::mixed;
  };

  // Begins at once. verify::initialise() comes first.
  explicit LoadSupply(const Options& options);
  ~LoadSupply();
  LoadSupply(const LoadSupply&) = delete;
  LoadSupply& operator=(const LoadSupply&) = delete;

  // The rest is for any thread.

  // True when as many wait as may, or all there will be. Waits for it, at most `limit`.
  bool filled_within(std::chrono::milliseconds limit);
  // The next ones; nullptr: none just now, or none any more.
  std::shared_ptr<const Pack> try_take();
  // None any more: all were taken, or there was a failure.
  bool over() const;
  // Readable while try_take() would give something, and when it is over.
  int fd() const { return event_; }
  std::uint64_t made() const { return made_; }
  // Why it ended early, if so.
  std::optional<Failure> failed() const;

 private:
  void make();
  void read_files();
  result<void> read_file(const std::string& path);
  bool push(std::shared_ptr<const Pack> pack);
  void end_one(std::optional<Failure> why);
  void signal();

  const Options options_;
  const std::size_t capacity_;  // packs
  const int event_;
  std::optional<TransactionMaker> maker_;
  std::atomic<std::uint64_t> begun_ = 0;  // transactions, by those who make them
  std::atomic<std::uint64_t> made_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<const Pack>> packs_;
  unsigned at_work_ = 0;  // threads
  bool stopping_ = false;
  std::optional<Failure> failure_;
  std::vector<std::thread> threads_;
};

}  // namespace txindex::tools
