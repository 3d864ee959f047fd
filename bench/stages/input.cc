#include "stages/input.h"

#include <fstream>
#include <iterator>
#include <map>

#include "chain/base64.h"
#include "stages/stage.h"
#include "tools/gen_transactions.h"

namespace txindex::bench {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::uint32_t kAccounts = 1000;

bool is_of(tools::Kind kind, Of of) {
  if (of == Of::v0) return kind == tools::Kind::v0;
  if (of == Of::v1) return kind == tools::Kind::v1;
  return true;
}

std::vector<wire::Buffer> generate(Of of) {
  const auto mix = of == Of::transfers ? tools::Mix::transfer : tools::Mix::mixed;
  const tools::TransactionMaker maker(kSeed, kAccounts, mix, /*threads=*/1);
  std::vector<wire::Buffer> made;
  for (std::uint64_t index = 0; made.size() < kTransactions; ++index) {
    if (is_of(tools::kind_of(index, mix), of)) maker.append(index, made.emplace_back());
  }
  return made;
}

wire::Buffer read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) give_up("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<wire::Buffer> of_mainnet() {
  const std::string folder = TXINDEX_TEST_DATA;
  const wire::Buffer two[] = {read_file(folder + "/solana_mainnet_1.bin"),
                              read_file(folder + "/solana_mainnet_2.bin")};
  std::vector<wire::Buffer> all;
  while (all.size() < kTransactions)
    all.push_back(two[all.size() % 2]);
  return all;
}

class NoSink final : public flow::Sink {
 public:
  void complete(const flow::Completion&) override {}
};

}  // namespace

const std::vector<wire::Buffer>& transactions(Of of) {
  static std::map<Of, std::vector<wire::Buffer>> made;
  auto& all = made[of];
  if (all.empty()) all = of == Of::mainnet ? of_mainnet() : generate(of);
  return all;
}

std::size_t total_bytes(Of of) {
  std::size_t bytes = 0;
  for (const auto& transaction : transactions(of))
    bytes += transaction.size();
  return bytes;
}

wire::Buffer frames(Of of) {
  wire::Buffer stream;
  for (const auto& transaction : transactions(of))
    wire::append_tx(stream, {.chain = 1, .time_us = kTime, .slot = {}, .transaction = transaction});
  return stream;
}

wire::Buffer lines(Of of) {
  wire::Buffer stream;
  for (const auto& transaction : transactions(of)) {
    const std::string text = chain::base64::encode(transaction);
    stream.insert(stream.end(), text.begin(), text.end());
    stream.push_back('\n');
  }
  return stream;
}

flow::Item completed_item() {
  static NoSink sink;
  flow::Ticket ticket(sink, 0, 0, {});
  ticket.complete(wire::Outcome::committed);
  return {.ticket = std::move(ticket),
          .codec = chain::find_codec(1),
          .time_us = kTime,
          .received_wall_us = kTime,
          .received_steady_us = 0,
          .slot = 0,
          .has_slot = false};
}

}  // namespace txindex::bench
