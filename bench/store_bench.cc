// What PostgreSQL alone allows: the transactions of a .txs file, parsed beforehand, written by the
// server's own writers with nothing else going on.
//
//   store_bench CONNINFO FILE WRITERS transactions|accounts|instructions [BATCH_ROWS]
//
// The database must have the schema (txindexd migrate) and not the transactions of the file.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <thread>
#include <vector>

#include "txindex/chain/codec.h"

#include "store/pg_store.h"
#include "tools/transaction_reader.h"

namespace {

using namespace txindex;

struct Transactions {
  std::deque<std::vector<std::uint8_t>> bytes;
  chain::TransactionTable table;
  std::vector<store::Row> rows;
};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "store_bench: %s\n", why.c_str());
  std::exit(1);
}

Transactions read(const char* path) {
  auto reader = tools::TransactionReader::open(path);
  if (!reader) give_up(reader.error().message);
  Transactions all;
  for (;;) {
    tools::TransactionReader::Item item;
    const auto status = reader->next(item);
    if (!status) give_up(status.error().message);
    if (*status == tools::TransactionReader::Status::end) break;
    if (*status == tools::TransactionReader::Status::need_input) {
      if (auto filled = reader->fill(); !filled) give_up(filled.error().message);
      continue;
    }
    const auto& raw =
        all.bytes.emplace_back(item.tx.transaction.begin(), item.tx.transaction.end());
    if (!chain::find_codec(item.tx.chain)->parse(raw, all.table)) give_up("a bad transaction");
    store::Row row;
    row.time_us = row.received_us = item.tx.time_us.value_or(0);
    all.rows.push_back(row);
  }
  for (std::size_t i = 0; i < all.rows.size(); ++i) {
    all.rows[i].table = &all.table;
    all.rows[i].transaction = &all.table.transactions[i];
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) give_up("usage: store_bench CONNINFO FILE WRITERS LEVEL [BATCH_ROWS]");
  Transactions all = read(argv[2]);
  const auto writers = static_cast<std::size_t>(std::atoi(argv[3]));
  store::PgStore::Options options;
  options.conninfo = argv[1];
  options.index_level = std::strcmp(argv[4], "transactions") == 0 ? IndexLevel::transactions
                        : std::strcmp(argv[4], "accounts") == 0   ? IndexLevel::accounts
                                                                  : IndexLevel::instructions;
  const auto batch = static_cast<std::size_t>(argc > 5 ? std::atoi(argv[5]) : 2000);

  auto stats = std::make_unique<stats::Block>();
  std::vector<std::unique_ptr<store::PgStore>> stores;
  for (std::size_t i = 0; i < writers; ++i) {
    stores.push_back(std::make_unique<store::PgStore>(options, *stats));
    stores.back()->connect();
  }
  std::atomic<std::size_t> next = 0;
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (auto& store : stores) {
    threads.emplace_back([&] {
      for (std::size_t at; (at = next.fetch_add(batch)) < all.rows.size();) {
        store->write(std::span(all.rows).subspan(at, std::min(batch, all.rows.size() - at)));
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::size_t committed = 0;
  for (const auto& row : all.rows)
    committed += row.outcome == wire::Outcome::committed;
  std::printf("committed %zu\nseconds %.3f\nper_second %.0f\n", committed, seconds,
              static_cast<double>(committed) / seconds);
  return committed == all.rows.size() ? 0 : 1;
}
