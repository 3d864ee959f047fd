#include "tools/gen.h"

#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "txindex/chain/transaction.h"

#include "chain/base64.h"
#include "tools/ordered_workers.h"
#include "tools/output.h"
#include "verify/backend.h"

namespace txindex::tools {
namespace {

constexpr std::uint64_t kTransactionsPerTask = 256;

struct Task {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  wire::Buffer out;
  wire::Buffer transaction;
};

void add_line(Bytes transaction, wire::Buffer& out) {
  const std::string text = chain::base64::encode(transaction);
  out.insert(out.end(), text.begin(), text.end());
  out.push_back('\n');
}

std::int64_t first_time_us(const GenOptions& options) {
  if (options.time_us) return *options.time_us;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count() -
         static_cast<std::int64_t>(options.count);
}

std::uint64_t fresh_seed() {
  std::uint64_t seed = 0;
  randombytes_buf(&seed, sizeof seed);
  return seed;
}

}  // namespace

result<void> gen(const GenOptions& options) {
  if (auto ok = verify::start(VerifyBackend::libsodium); !ok) return ok.error();
  auto out = OutputFile::open(options.out);
  if (!out) return out.error();
  if (!options.lines && out->is_terminal()) {
    return configuration_failure("a .txs file is not for a terminal: give --out FILE, or --line");
  }
  const Stopwatch watch;
  const std::uint64_t seed = options.seed ? *options.seed : fresh_seed();
  const std::int64_t time_us = first_time_us(options);
  const unsigned threads =
      options.threads != 0 ? options.threads : std::thread::hardware_concurrency();
  const TransactionMaker maker(seed, options.accounts, options.mix, threads, options.bytes);

  OrderedWorkers<Task> workers(threads, [&](Task& task) {
    task.out.clear();
    for (std::uint64_t i = task.begin; i < task.end; ++i) {
      task.transaction.clear();
      maker.append(i, task.transaction);
      if (options.lines) {
        add_line(task.transaction, task.out);
      } else {
        wire::append_tx(task.out, {.chain = static_cast<std::uint8_t>(chain::ChainId::solana),
                                   .time_us = time_us + static_cast<std::int64_t>(i),
                                   .slot = {},
                                   .transaction = task.transaction});
      }
    }
  });

  if (!options.lines) {
    if (auto ok = out->write(wire::kFilePreface); !ok) return ok;
  }
  Progress progress(!options.quiet);
  std::uint64_t begun = 0;
  std::uint64_t done = 0;
  while (done < options.count) {
    for (Task* task = nullptr; begun < options.count && (task = workers.vacant()) != nullptr;) {
      task->begin = begun;
      begun = task->end = std::min(options.count, begun + kTransactionsPerTask);
      workers.start();
    }
    const Task* oldest = workers.oldest();
    if (auto ok = out->write(oldest->out); !ok) return ok;
    done = oldest->end;
    workers.release();
    if (progress.due()) {
      progress.show(grouped(done) + " of " + grouped(options.count) + " made and signed");
    }
  }
  if (auto ok = out->close(); !ok) return ok;
  progress.clear();
  if (!options.quiet) {
    const double seconds = watch.seconds();
    std::fprintf(stderr, "%s transactions, seed %llu, in %.2f s: %s a second\n",
                 grouped(done).c_str(), static_cast<unsigned long long>(seed), seconds,
                 grouped(static_cast<std::uint64_t>(per_second(done, seconds))).c_str());
  }
  return {};
}

}  // namespace txindex::tools
