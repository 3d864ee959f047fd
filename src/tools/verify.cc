#include "tools/verify.h"

#include <time.h>

#include <array>
#include <cstdio>
#include <optional>
#include <thread>

#include "txindex/chain/codec.h"

#include "tools/ordered_workers.h"
#include "tools/output.h"
#include "tools/transaction_reader.h"
#include "verify/backend.h"
#include "verify/signature.h"

namespace txindex::tools {
namespace {

constexpr std::size_t kTransactionsPerBatch = 256;
constexpr std::size_t kBytesPerBatch = std::size_t{256} * 1024;

struct Verdict {
  wire::Outcome outcome = wire::Outcome::committed;
  std::string_view detail;
};

// Some transactions of one input: copies, since the reader goes on.
struct Batch {
  struct Entry {
    wire::TxFrame tx;  // without its transaction, which may move until the batch is complete
    std::size_t begin;
    std::size_t bytes;
    std::uint64_t number;
    Verdict verdict;
  };
  const TransactionReader* reader = nullptr;
  wire::Buffer bytes;
  std::vector<Entry> entries;
  chain::TransactionTable table;
  verify::SignatureBatch signatures;
  double cpu_seconds = 0;

  Bytes transaction(const Entry& e) const { return Bytes(bytes).subspan(e.begin, e.bytes); }
  void clear() {
    bytes.clear();
    entries.clear();
  }
  void add(const TransactionReader::Item& item) {
    entries.push_back({item.tx, bytes.size(), item.tx.transaction.size(), item.number, {}});
    bytes.insert(bytes.end(), item.tx.transaction.begin(), item.tx.transaction.end());
  }
  bool full() const {
    return entries.size() >= kTransactionsPerBatch || bytes.size() >= kBytesPerBatch;
  }
};

double thread_cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Of all but the signatures.
Verdict parse(std::uint8_t chain_id, Bytes raw, chain::TransactionTable& table) {
  const chain::Codec* codec = chain::find_codec(chain_id);
  if (codec == nullptr) return {wire::Outcome::unsupported, "unknown chain"};
  if (raw.size() > codec->max_transaction_bytes()) {
    return {wire::Outcome::too_large, "larger than any transaction of its chain"};
  }
  if (const auto parsed = codec->parse(raw, table); !parsed) {
    return {parsed.error().outcome, parsed.error().detail};
  }
  return {};
}

void judge_all(Batch& batch) {
  const double begin = thread_cpu_seconds();
  batch.table.clear();
  batch.signatures.clear();
  for (auto& e : batch.entries)
    e.verdict = parse(e.tx.chain, batch.transaction(e), batch.table);
  // Only now, when the table does not grow any more.
  std::size_t number = 0;
  for (const auto& e : batch.entries) {
    if (e.verdict.outcome != wire::Outcome::committed) continue;
    const auto& tx = batch.table.transactions[number++];
    batch.signatures.add(chain::find_codec(e.tx.chain)->signature_rule(), tx.message,
                         batch.table.signatures_of(tx));
  }
  batch.signatures.judge();
  number = 0;
  for (auto& e : batch.entries) {
    if (e.verdict.outcome != wire::Outcome::committed || batch.signatures.valid(number++)) continue;
    e.verdict = {wire::Outcome::bad_signature, "a signature does not verify"};
  }
  batch.cpu_seconds = thread_cpu_seconds() - begin;
}

class Verifier {
 public:
  Verifier(const VerifyOptions& options, unsigned threads, std::optional<OutputFile> out)
      : options_(options),
        report_(options.out == "-" ? stderr : stdout),
        out_(std::move(out)),
        progress_(!options.quiet),
        workers_(threads, judge_all) {}

  result<void> run(TransactionReader& reader) {
    while (true) {
      TransactionReader::Item item;
      const auto status = reader.next(item);
      if (!status || *status == TransactionReader::Status::end) {
        // What was read before a failure is judged all the same.
        if (auto ok = finish_input(); !ok) return ok;
        return status ? result<void>() : status.error();
      }
      if (*status == TransactionReader::Status::item) {
        if (auto ok = add(reader, item); !ok) return ok;
        continue;
      }
      // Who writes the input slowly gets answers as soon as there is nothing else to read.
      if (!reader.ready()) {
        if (auto ok = finish_input(); !ok) return ok;
      }
      if (auto ok = reader.fill(); !ok) return ok;
    }
  }

  result<bool> finish() {
    if (out_) {
      if (auto ok = out_->close(); !ok) return ok.error();
    }
    progress_.clear();
    if (!options_.quiet) print_report();
    return good() == total_;
  }

 private:
  std::uint64_t good() const { return counts_[0]; }

  result<void> add(const TransactionReader& reader, const TransactionReader::Item& item) {
    while (filling_ == nullptr) {
      filling_ = workers_.vacant();
      if (filling_ == nullptr) {
        if (auto ok = take_back(); !ok) return ok;
        continue;
      }
      filling_->clear();
      filling_->reader = &reader;
    }
    filling_->add(item);
    if (filling_->full()) start();
    return {};
  }

  void start() {
    workers_.start();
    filling_ = nullptr;
  }

  result<void> finish_input() {
    if (filling_ != nullptr) start();
    while (workers_.oldest() != nullptr) {
      if (auto ok = take_back(); !ok) return ok;
    }
    return {};
  }

  // Takes the results of the oldest batch.
  result<void> take_back() {
    const Batch& batch = *workers_.oldest();
    encoded_.clear();
    for (const auto& e : batch.entries) {
      ++total_;
      ++counts_[static_cast<std::size_t>(e.verdict.outcome)];
      if (e.verdict.outcome != wire::Outcome::committed) {
        print_bad(batch, e);
      } else if (out_) {
        wire::TxFrame tx = e.tx;
        tx.transaction = batch.transaction(e);
        wire::append_tx(encoded_, tx);
      }
    }
    cpu_seconds_ += batch.cpu_seconds;
    const bool show = progress_.due();
    if (show) progress_.show(grouped(total_) + " verified, " + grouped(good()) + " good");
    workers_.release();
    return out_ ? out_->write(encoded_) : result<void>();
  }

  void print_bad(const Batch& batch, const Batch::Entry& e) {
    const std::uint64_t bad = total_ - good();
    if (bad > options_.max_errors) {
      if (bad == options_.max_errors + 1) {
        progress_.clear();
        std::fputs("further bad ones are counted only (--max-errors)\n", stderr);
      }
      return;
    }
    progress_.clear();
    std::fprintf(stderr, "%s: %s %llu: %s: %s\n", batch.reader->name().c_str(),
                 batch.reader->unit(), static_cast<unsigned long long>(e.number),
                 std::string(wire::to_string(e.verdict.outcome)).c_str(),
                 std::string(e.verdict.detail).c_str());
  }

  void print_report() const {
    const auto line = [this](const char* name, std::uint64_t n) {
      std::fprintf(report_, "%s %llu\n", name, static_cast<unsigned long long>(n));
    };
    line("good", good());
    for (std::size_t i = 1; i < counts_.size(); ++i) {
      if (counts_[i] != 0) {
        line(std::string(wire::to_string(static_cast<wire::Outcome>(i))).c_str(), counts_[i]);
      }
    }
    line("total", total_);
    const double seconds = watch_.seconds();
    std::fprintf(report_, "seconds %.3f\nper_second %.0f\n", seconds, per_second(total_, seconds));
    if (total_ != 0) {
      std::fprintf(report_, "core_microseconds_each %.1f\n",
                   cpu_seconds_ * 1e6 / static_cast<double>(total_));
    }
  }

  const VerifyOptions& options_;
  std::FILE* const report_;
  const Stopwatch watch_;
  std::optional<OutputFile> out_;
  wire::Buffer encoded_;
  Progress progress_;
  Batch* filling_ = nullptr;
  std::uint64_t total_ = 0;
  std::array<std::uint64_t, wire::kOutcomeCount> counts_{};
  double cpu_seconds_ = 0;
  OrderedWorkers<Batch> workers_;
};

}  // namespace

result<bool> verify_inputs(const VerifyOptions& options) {
  if (auto ok = verify::start(options.backend); !ok) return ok.error();
  std::optional<OutputFile> out;
  if (!options.out.empty()) {
    auto opened = OutputFile::open(options.out);
    if (!opened) return opened.error();
    if (opened->is_terminal()) {
      return configuration_failure("a .txs file is not for a terminal: give --out FILE");
    }
    if (auto ok = opened->write(wire::kFilePreface); !ok) return ok.error();
    out.emplace(std::move(*opened));
  }
  const unsigned threads =
      options.threads != 0 ? options.threads : std::thread::hardware_concurrency();
  Verifier verifier(options, threads, std::move(out));
  std::optional<Failure> broken;
  for (const auto& path : options.inputs) {
    auto reader = TransactionReader::open(path);
    const auto ok = reader ? verifier.run(*reader) : result<void>(reader.error());
    if (!ok) {
      broken = ok.error();
      break;
    }
  }
  auto good = verifier.finish();
  if (broken) return *broken;
  return good;
}

}  // namespace txindex::tools
