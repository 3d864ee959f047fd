// What gen makes is what verify calls good, and a flipped bit is not.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "txindex/chain/codec.h"

#include "chain/base64.h"
#include "support/process.h"
#include "support/temp_dir.h"
#include "tools/gen.h"
#include "tools/ordered_workers.h"
#include "tools/transaction_reader.h"
#include "tools/verify.h"
#include "verify/backend.h"
#include "verify/signature.h"

namespace txindex::tools {
namespace {

using wire::Buffer;

GenOptions quietly(std::uint64_t count, const std::string& out) {
  GenOptions options;
  options.count = count;
  options.out = out;
  options.seed = 42;
  options.quiet = true;
  return options;
}

VerifyOptions quietly_verify(std::vector<std::string> inputs) {
  VerifyOptions options;
  options.inputs = std::move(inputs);
  options.quiet = true;
  return options;
}

TEST(Gen, MakesEveryKindOfTransactionAndAllAreGood) {
  ASSERT_TRUE(verify::start(VerifyBackend::automatic));
  const auto* codec = chain::find_codec(1);
  ASSERT_NE(codec, nullptr);
  const TransactionMaker maker(7, 20, Mix::mixed, 2);
  std::map<Kind, int> kinds;
  std::set<std::string> ids;
  chain::TransactionTable table;
  constexpr int kCount = 2000;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    Buffer bytes;
    maker.append(i, bytes);
    table.clear();
    const auto parsed = codec->parse(bytes, table);
    const Kind kind = kind_of(i, Mix::mixed);
    ASSERT_TRUE(parsed) << i << " " << parsed.error().detail;
    const auto& tx = table.transactions[0];
    ASSERT_TRUE(verify::all_valid(codec->signature_rule(), tx.message, table.signatures_of(tx)));
    ASSERT_EQ(tx.signatures.count, kind == Kind::two_signers ? 2U : 1U);
    ASSERT_EQ(tx.version, kind == Kind::v0   ? 0
                          : kind == Kind::v1 ? 1
                                             : chain::Transaction::kLegacy);
    ASSERT_EQ(tx.lookups.count, kind == Kind::v0 ? 1U : 0U);
    ASSERT_TRUE(kind != Kind::transfer || bytes.size() == 215);
    ++kinds[kind];
    ids.insert(codec->txid_text(tx.txid));
  }
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(kCount))
      << "every transaction has an id of its own";
  EXPECT_GT(kinds[Kind::transfer], kCount * 80 / 100);
  EXPECT_EQ(kinds.size(), 5U);
}

TEST(Gen, GivesTransactionsTheSizeThatIsAskedFor) {
  ASSERT_TRUE(verify::start(VerifyBackend::automatic));
  const auto* codec = chain::find_codec(1);
  for (const std::size_t size : {kGivenBytesLeast, std::size_t{401}, limits::kSolanaPacketMaxBytes,
                                 limits::kSolanaPacketMaxBytes + 1, kGivenBytesMost}) {
    const TransactionMaker maker(7, 20, Mix::mixed, 1, size);
    for (const std::uint64_t index : {0ULL, 1'000'000'000ULL}) {
      Buffer bytes;
      maker.append(index, bytes);
      EXPECT_EQ(bytes.size(), size);
      chain::TransactionTable table;
      const auto parsed = codec->parse(bytes, table);
      ASSERT_TRUE(parsed) << size << " " << parsed.error().detail;
      const auto& tx = table.transactions[0];
      EXPECT_TRUE(verify::all_valid(codec->signature_rule(), tx.message, table.signatures_of(tx)));
      EXPECT_EQ(tx.version,
                size <= limits::kSolanaPacketMaxBytes ? chain::Transaction::kLegacy : 1);
    }
  }
}

TEST(Gen, WithOneAccountStillMakesGoodTransactions) {
  const test::TempDir dir;
  auto options = quietly(300, dir / "one.txs");
  options.accounts = 1;
  ASSERT_TRUE(gen(options));
  const auto good = verify_inputs(quietly_verify({dir / "one.txs"}));
  ASSERT_TRUE(good);
  EXPECT_TRUE(*good);
}

TEST(Gen, HasAsManyPayersAsAccounts) {
  const TransactionMaker maker(7, 50, Mix::transfer, 1);
  const auto* codec = chain::find_codec(1);
  std::set<Buffer> payers;
  for (std::uint64_t i = 0; i < 200; ++i) {
    Buffer bytes;
    maker.append(i, bytes);
    chain::TransactionTable table;
    ASSERT_TRUE(codec->parse(bytes, table));
    const Bytes payer = table.transactions[0].fee_payer;
    payers.emplace(payer.begin(), payer.end());
  }
  EXPECT_EQ(payers.size(), 50U);
}

TEST(Gen, TheSameSeedAndTimeGiveTheSameFileWhateverTheThreads) {
  const test::TempDir dir;
  std::set<std::string> files;
  for (const unsigned threads : {1U, 2U, 5U}) {
    auto options = quietly(1000, dir / "tx.txs");
    options.time_us = 1'700'000'000'000'000;
    options.threads = threads;
    ASSERT_TRUE(gen(options));
    files.insert(test::read_file(options.out));
  }
  EXPECT_EQ(files.size(), 1U);
  auto other = quietly(1000, dir / "tx.txs");
  other.time_us = 1'700'000'000'000'000;
  other.seed = 43;
  ASSERT_TRUE(gen(other));
  files.insert(test::read_file(other.out));
  EXPECT_EQ(files.size(), 2U);
}

TEST(Gen, TimesGoUpByAMicrosecondAndEndNow) {
  const test::TempDir dir;
  const auto wall = [] {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const auto before = wall();
  ASSERT_TRUE(gen(quietly(600, dir / "tx.txs")));
  const auto after = wall();
  auto reader = TransactionReader::open(dir / "tx.txs");
  ASSERT_TRUE(reader);
  ASSERT_TRUE(reader->fill());
  TransactionReader::Item item;
  std::int64_t last = 0;
  std::uint64_t count = 0;
  while (*reader->next(item) == TransactionReader::Status::item) {
    ASSERT_TRUE(count == 0 || item.tx.time_us == last + 1);
    last = *item.tx.time_us;
    ++count;
  }
  EXPECT_EQ(count, 600U);
  EXPECT_GE(last, before - 1);
  EXPECT_LE(last, after);
}

TEST(Gen, LinesHoldTheSameTransactions) {
  const test::TempDir dir;
  auto options = quietly(300, dir / "tx.lines");
  options.lines = true;
  ASSERT_TRUE(gen(options));
  auto verify = quietly_verify({dir / "tx.lines"});
  verify.out = dir / "from_lines";
  ASSERT_TRUE(*verify_inputs(verify));
  const TransactionMaker maker(42, options.accounts, options.mix, 1);
  std::string expected;
  for (std::uint64_t i = 0; i < 300; ++i) {
    Buffer bytes;
    maker.append(i, bytes);
    expected += chain::base64::encode(bytes) + "\n";
  }
  EXPECT_EQ(test::read_file(dir / "tx.lines"), expected);
}

TEST(Gen, SaysWhereItCannotWrite) {
  const auto done = gen(quietly(1, "/nonexistent/tx.txs"));
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("/nonexistent/tx.txs"), std::string::npos);
  const auto full = gen(quietly(5000, "/dev/full"));
  ASSERT_FALSE(full);
  EXPECT_NE(full.error().message.find("No space left"), std::string::npos);
}

// Frames of a .txs file, whole.
std::vector<Buffer> frames_of(const std::string& file) {
  std::vector<Buffer> frames;
  const Bytes bytes = as_bytes(file);
  for (std::size_t at = 4; at < bytes.size();) {
    const std::size_t size = 4 + wire::load<std::uint32_t>(bytes.data() + at);
    const Bytes frame = bytes.subspan(at, size);
    frames.emplace_back(frame.begin(), frame.end());
    at += size;
  }
  return frames;
}

TEST(Verify, WritesOnlyTheGoodOnesInTheirOrder) {
  const test::TempDir dir;
  ASSERT_TRUE(gen(quietly(3000, dir / "tx.txs")));
  auto frames = frames_of(test::read_file(dir / "tx.txs"));
  std::string input = "TXS1";
  std::string expected = "TXS1";
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const bool bad = i % 7 == 3;
    if (bad) frames[i][frames[i].size() - 1 - i % 200] ^= 1;
    input += as_text(frames[i]);
    if (!bad) expected += as_text(frames[i]);
  }
  test::write_file(dir / "mixed.txs", input);
  for (const unsigned threads : {1U, 3U}) {
    auto options = quietly_verify({dir / "mixed.txs"});
    options.out = dir / "good.txs";
    options.threads = threads;
    options.max_errors = 0;
    const auto good = verify_inputs(options);
    ASSERT_TRUE(good);
    EXPECT_FALSE(*good);
    EXPECT_TRUE(test::read_file(options.out) == expected);
  }
}

// What a run of verify says, but for how long it took.
std::string said_by_verify(const VerifyOptions& options) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const auto good = verify_inputs(options);
  std::istringstream report(testing::internal::GetCapturedStdout());
  std::string said = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(good) << good.error().message;
  for (std::string line; std::getline(report, line);) {
    const bool is_time = line.find("second") != std::string::npos;  // microseconds, too
    if (!is_time) said += line + "\n";
  }
  return said;
}

TEST(Verify, SaysTheSameWhateverVerifies) {
  const test::TempDir dir;
  ASSERT_TRUE(gen(quietly(400, dir / "tx.txs")));
  auto frames = frames_of(test::read_file(dir / "tx.txs"));
  std::string input = "TXS1";
  int bad = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    // Runs of bad ones, and single ones, anywhere among those that are judged together.
    if (i % 13 == 5 || i / 16 % 5 == 3) {
      frames[i][frames[i].size() - 1 - i % 200] ^= static_cast<std::uint8_t>(1U << i % 8);
      ++bad;
    }
    input += as_text(frames[i]);
  }
  test::write_file(dir / "mixed.txs", input);
  std::map<std::string, std::set<VerifyBackend>> said;
  std::map<std::string, std::set<VerifyBackend>> written;
  const auto verify_by = [&](VerifyBackend backend) {
    VerifyOptions options;
    options.inputs = {dir / "mixed.txs"};
    options.out = dir / "good.txs";
    options.max_errors = 1000;
    options.threads = 2;
    options.backend = backend;
    said[said_by_verify(options)].insert(backend);
    EXPECT_EQ(verify::backend(), backend);
    written[test::read_file(options.out)].insert(backend);
  };
  verify_by(VerifyBackend::libsodium);
  if (verify::ed25519::avx512_is_there()) verify_by(VerifyBackend::avx512);
#ifdef TXINDEX_TEST_SWITCHES
  ASSERT_EQ(setenv("TXINDEX_TEST_KERNEL", "1", 1), 0);
  verify_by(VerifyBackend::avx512ifma);
  unsetenv("TXINDEX_TEST_KERNEL");
#endif
  if (verify::ed25519::avx512ifma_is_there()) verify_by(VerifyBackend::avx512ifma);
  ASSERT_EQ(said.size(), 1U) << said.begin()->first << "\nor\n" << said.rbegin()->first;
  EXPECT_EQ(written.size(), 1U);
  const auto& text = said.begin()->first;
  EXPECT_NE(text.find("\ngood " + std::to_string(400 - bad) + "\n"), std::string::npos) << text;
  EXPECT_NE(text.find("bad_signature: a signature does not verify"), std::string::npos) << text;
}

TEST(Verify, NamesTheBadOnesUpToALimit) {
  const test::TempDir dir;
  test::write_file(dir / "bad.lines", "AAEC\n\nAAEC\nAAEC\n");
  auto options = quietly_verify({dir / "bad.lines"});
  options.max_errors = 2;
  testing::internal::CaptureStderr();
  ASSERT_FALSE(*verify_inputs(options));
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("bad.lines: line 1: malformed: "), std::string::npos) << said;
  EXPECT_NE(said.find("bad.lines: line 3: malformed: "), std::string::npos);
  EXPECT_EQ(said.find("line 4"), std::string::npos);
}

TEST(Verify, JudgesWhatCameBeforeAMalformedEndAndFails) {
  const test::TempDir dir;
  ASSERT_TRUE(gen(quietly(10, dir / "tx.txs")));
  const std::string whole = test::read_file(dir / "tx.txs");
  test::write_file(dir / "cut.txs", whole.substr(0, whole.size() - 1));
  auto options = quietly_verify({dir / "cut.txs"});
  options.out = dir / "good.txs";
  const auto done = verify_inputs(options);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("frame 10 is cut off"), std::string::npos);
  EXPECT_EQ(frames_of(test::read_file(options.out)).size(), 9U);
}

TEST(Verify, AChainThatIsNotKnownIsUnsupported) {
  const test::TempDir dir;
  Buffer file(wire::kFilePreface.begin(), wire::kFilePreface.end());
  const Buffer bytes = {1, 2, 3};
  wire::append_tx(file, {.chain = 99, .time_us = {}, .slot = {}, .transaction = bytes});
  test::write_file(dir / "other.txs", std::string(as_text(file)));
  testing::internal::CaptureStderr();
  ASSERT_FALSE(*verify_inputs(quietly_verify({dir / "other.txs"})));
  EXPECT_NE(testing::internal::GetCapturedStderr().find("frame 1: unsupported"), std::string::npos);
}

TEST(OrderedWorkers, GiveBackInTheOrderHandedOut) {
  struct Task {
    int in = 0;
    int out = 0;
  };
  OrderedWorkers<Task> workers(4, [](Task& task) {
    // Later ones are quicker.
    std::this_thread::sleep_for(std::chrono::microseconds(20 * (10 - task.in % 10)));
    task.out = task.in * 2;
  });
  int begun = 0;
  int done = 0;
  while (done < 2000) {
    for (Task* task = nullptr; begun < 2000 && (task = workers.vacant()) != nullptr;) {
      task->in = begun++;
      workers.start();
    }
    ASSERT_EQ(workers.oldest()->out, 2 * done);
    workers.release();
    ++done;
  }
  EXPECT_EQ(workers.oldest(), nullptr);
}

}  // namespace
}  // namespace txindex::tools
