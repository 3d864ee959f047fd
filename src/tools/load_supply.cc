#include "tools/load_supply.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "txindex/chain/codec.h"

#include "tools/transaction_reader.h"

namespace txindex::tools {
namespace {

constexpr std::uint64_t kTransactionsPerPack = 256;

journal::Txid txid_of(const wire::TxFrame& tx, chain::TransactionTable& table) {
  journal::Txid txid{};
  const chain::Codec* codec = chain::find_codec(tx.chain);
  if (codec == nullptr || tx.transaction.size() > codec->max_transaction_bytes()) return txid;
  table.clear();
  if (!codec->parse(tx.transaction, table)) return txid;
  const Bytes id = table.transactions.front().txid;
  std::copy_n(id.begin(), std::min(id.size(), txid.size()), txid.begin());
  return txid;
}

}  // namespace

wire::TxFrame Pack::tx(std::size_t i) const {
  const Entry& entry = entries_[i];
  wire::TxFrame tx = entry.tx;
  tx.transaction = Bytes(bytes_).subspan(entry.begin, entry.bytes);
  return tx;
}

void Pack::add(const wire::TxFrame& tx, bool find_txid) {
  entries_.push_back({tx, bytes_.size(), tx.transaction.size(),
                      find_txid ? txid_of(tx, table_) : journal::Txid{}});
  bytes_.insert(bytes_.end(), tx.transaction.begin(), tx.transaction.end());
}

LoadSupply::LoadSupply(const Options& options)
    : options_(options),
      capacity_(std::max<std::uint64_t>(
          (options.ahead + kTransactionsPerPack - 1) / kTransactionsPerPack, 1)),
      event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!options_.files.empty()) {
    at_work_ = 1;
    threads_.emplace_back([this] { read_files(); });
    return;
  }
  at_work_ = std::max(options_.threads, 1U);
  maker_.emplace(options_.seed, options_.accounts, options_.mix, at_work_);
  for (unsigned i = at_work_; i > 0; --i)
    threads_.emplace_back([this] { make(); });
}

LoadSupply::~LoadSupply() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_)
    thread.join();
  ::close(event_);
}

void LoadSupply::make() {
  const std::uint64_t count = options_.count.value_or(~std::uint64_t{0});
  wire::Buffer transaction;
  while (true) {
    const std::uint64_t begin = begun_.fetch_add(kTransactionsPerPack);
    if (begin >= count) break;
    auto pack = std::make_shared<Pack>();
    const std::uint64_t end = begin + std::min(kTransactionsPerPack, count - begin);
    for (std::uint64_t i = begin; i < end; ++i) {
      transaction.clear();
      maker_->append(i, transaction);
      pack->add({.chain = static_cast<std::uint8_t>(chain::ChainId::solana),
                 .time_us = {},
                 .slot = {},
                 .transaction = transaction},
                options_.txids);
    }
    if (!push(std::move(pack))) break;
  }
  end_one({});
}

void LoadSupply::read_files() {
  std::optional<Failure> failed;
  for (const auto& path : options_.files) {
    if (options_.count && made_ >= *options_.count) break;
    if (auto ok = read_file(path); !ok) {
      failed = ok.error();
      break;
    }
  }
  end_one(failed);
}

result<void> LoadSupply::read_file(const std::string& path) {
  auto reader = TransactionReader::open(path);
  if (!reader) return reader.error();
  const std::uint64_t count = options_.count.value_or(~std::uint64_t{0});
  auto pack = std::make_shared<Pack>();
  const auto pass_on = [&] { return push(std::exchange(pack, std::make_shared<Pack>())); };
  result<void> done;
  while (made_ + pack->size() < count) {
    TransactionReader::Item item;
    const auto status = reader->next(item);
    if (!status) done = status.error();
    if (!status || *status == TransactionReader::Status::end) break;
    if (*status == TransactionReader::Status::need_input) {
      done = reader->fill();
      if (!done) break;
      continue;
    }
    pack->add(item.tx, options_.txids);
    if (pack->size() == kTransactionsPerPack && !pass_on()) return {};
  }
  // What was read before a failure is sent all the same.
  if (pack->size() != 0) pass_on();
  return done;
}

// Waits for room. False: nobody wants it any more.
bool LoadSupply::push(std::shared_ptr<const Pack> pack) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || packs_.size() < capacity_; });
  if (stopping_) return false;
  made_ += pack->size();
  packs_.push_back(std::move(pack));
  signal();
  changed_.notify_all();
  return true;
}

void LoadSupply::end_one(std::optional<Failure> why) {
  const std::lock_guard lock(mutex_);
  if (why && !failure_) failure_ = std::move(why);
  if (--at_work_ == 0) signal();
  changed_.notify_all();
}

// With the lock held, as for reading it: so it is readable exactly while there is something.
void LoadSupply::signal() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(event_, &one, sizeof one);
}

bool LoadSupply::filled_within(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit,
                           [this] { return at_work_ == 0 || packs_.size() >= capacity_; });
}

std::shared_ptr<const Pack> LoadSupply::try_take() {
  const std::lock_guard lock(mutex_);
  if (packs_.empty()) return nullptr;
  auto pack = std::move(packs_.front());
  packs_.pop_front();
  if (packs_.empty() && at_work_ != 0) {
    std::uint64_t n = 0;
    [[maybe_unused]] const auto got = ::read(event_, &n, sizeof n);
  }
  changed_.notify_all();
  return pack;
}

bool LoadSupply::over() const {
  const std::lock_guard lock(mutex_);
  return packs_.empty() && at_work_ == 0;
}

std::optional<Failure> LoadSupply::failed() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace txindex::tools
