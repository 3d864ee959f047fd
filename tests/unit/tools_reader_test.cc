#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <thread>

#include "chain/base64.h"
#include "support/process.h"
#include "support/temp_dir.h"
#include "tools/transaction_reader.h"

namespace txindex::tools {
namespace {

using wire::Buffer;

struct Read {
  std::vector<Buffer> transactions;
  std::vector<std::uint64_t> numbers;
  std::vector<std::optional<std::int64_t>> times;
  std::string failure;
};

Read read_all(TransactionReader reader) {
  Read all;
  while (true) {
    TransactionReader::Item item;
    const auto status = reader.next(item);
    if (!status) {
      all.failure = status.error().message;
      EXPECT_EQ(*reader.next(item), TransactionReader::Status::end) << "nothing behind a failure";
      return all;
    }
    if (*status == TransactionReader::Status::end) return all;
    if (*status == TransactionReader::Status::need_input) {
      EXPECT_TRUE(reader.fill());
      continue;
    }
    all.transactions.emplace_back(item.tx.transaction.begin(), item.tx.transaction.end());
    all.numbers.push_back(item.number);
    all.times.push_back(item.tx.time_us);
  }
}

// Through a pipe, in pieces that end at `cuts`.
Read through_pipe(const std::string& bytes, const std::vector<std::size_t>& cuts = {}) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  std::thread writer([&] {
    std::size_t at = 0;
    for (std::size_t i = 0; i <= cuts.size(); ++i) {
      const std::size_t end = i < cuts.size() ? cuts[i] : bytes.size();
      while (at < end) {
        const ssize_t n = write(ends[1], bytes.data() + at, end - at);
        if (n <= 0) break;
        at += static_cast<std::size_t>(n);
      }
    }
    close(ends[1]);
  });
  Read all = read_all(TransactionReader(ends[0], "the pipe"));
  writer.join();
  return all;
}

Read through_file(const std::string& bytes) {
  const test::TempDir dir;
  const std::string path = dir / "input";
  test::write_file(path, bytes);
  return read_all(std::move(*TransactionReader::open(path)));
}

std::string txs(const std::vector<Buffer>& transactions) {
  Buffer out(wire::kFilePreface.begin(), wire::kFilePreface.end());
  std::int64_t time = 1000;
  for (const auto& bytes : transactions) {
    wire::append_tx(out, {.chain = 1, .time_us = time++, .slot = {}, .transaction = bytes});
  }
  return std::string(as_text(out));
}

std::string lines(const std::vector<Buffer>& transactions, const char* newline = "\n") {
  std::string out;
  for (const auto& bytes : transactions)
    out += chain::base64::encode(bytes) + newline;
  return out;
}

std::vector<Buffer> some(std::size_t count, std::size_t most = 300) {
  std::mt19937 random(static_cast<unsigned>(count));
  std::vector<Buffer> all(count);
  for (auto& bytes : all) {
    bytes.resize(1 + random() % most);
    for (auto& b : bytes)
      b = static_cast<std::uint8_t>(random());
  }
  return all;
}

TEST(TransactionReader, ReadsFramesWithTheirNumbersAndTimes) {
  const auto transactions = some(3);
  const Read all = through_file(txs(transactions));
  EXPECT_EQ(all.failure, "");
  EXPECT_EQ(all.transactions, transactions);
  EXPECT_EQ(all.numbers, (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(all.times, (std::vector<std::optional<std::int64_t>>{1000, 1001, 1002}));
}

TEST(TransactionReader, FilesAndPipesLargerThanItsBufferComeWhole) {
  const auto transactions = some(6000);
  for (const auto& bytes : {txs(transactions), lines(transactions)}) {
    ASSERT_GT(bytes.size(), 900'000U);
    EXPECT_EQ(through_file(bytes).transactions, transactions);
    EXPECT_EQ(through_pipe(bytes).transactions, transactions);
  }
}

TEST(TransactionReader, APipeCutAnywhereGivesTheSame) {
  const auto transactions = some(4, 20);
  for (const auto& bytes : {txs(transactions), lines(transactions), lines(transactions, "\r\n")}) {
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
      const Read all = through_pipe(bytes, {cut});
      ASSERT_EQ(all.failure, "") << cut;
      ASSERT_EQ(all.transactions, transactions) << cut;
    }
  }
}

TEST(TransactionReader, RandomPiecesGiveTheSame) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto transactions = some(2000, 1200);
  for (const auto& bytes : {txs(transactions), lines(transactions)}) {
    std::vector<std::size_t> cuts;
    for (std::size_t at = 0; at < bytes.size(); at += 1 + random() % 5000)
      cuts.push_back(at);
    ASSERT_EQ(through_pipe(bytes, cuts).transactions, transactions);
  }
}

TEST(TransactionReader, AnEmptyInputHasNoTransactions) {
  for (const char* bytes : {"", "TXS1", "\n", "\r\n\n"}) {
    const Read all = through_file(bytes);
    EXPECT_EQ(all.failure, "");
    EXPECT_TRUE(all.transactions.empty());
  }
}

TEST(TransactionReader, LinesMayEndInCrLfBeEmptyAndTheLastNeedsNoEnd) {
  const Read all = through_file("AAEC\r\n\r\n\nAwQ=\nBQ==");
  EXPECT_EQ(all.failure, "");
  EXPECT_EQ(all.transactions, (std::vector<Buffer>{{0, 1, 2}, {3, 4}, {5}}));
  EXPECT_EQ(all.numbers, (std::vector<std::uint64_t>{1, 4, 5}));
  EXPECT_EQ(all.times[0], std::nullopt);
}

TEST(TransactionReader, AFileCutOffAnywhereNamesTheFrame) {
  const auto transactions = some(3, 20);
  const std::string whole = txs(transactions);
  std::vector<std::size_t> ends = {4};  // where a file may end
  for (const auto& bytes : transactions)
    ends.push_back(ends.back() + 4 + 1 + 10 + bytes.size());
  ASSERT_EQ(ends.back(), whole.size());
  for (std::size_t n = 5; n < whole.size(); ++n) {
    const Read all = through_file(whole.substr(0, n));
    const auto complete = std::ranges::upper_bound(ends, n) - ends.begin() - 1;
    EXPECT_EQ(all.transactions.size(), static_cast<std::size_t>(complete));
    if (std::ranges::find(ends, n) != ends.end()) {
      EXPECT_EQ(all.failure, "");
    } else {
      const std::string expected =
          "input: frame " + std::to_string(complete + 1) + " is cut off by the end of the input";
      EXPECT_TRUE(all.failure.ends_with(expected)) << all.failure;
    }
  }
}

TEST(TransactionReader, AMalformedFrameIsNamed) {
  const std::string good = txs(some(2));
  const std::vector<std::pair<std::string, const char*>> cases = {
      {std::string("\0\0\0\0", 4), "frame 3 has an impossible length, 0"},
      {std::string("\xff\xff\xff\xff", 4), "frame 3 has an impossible length"},
      {std::string("\1\0\0\0\4", 5), "frame 3 is no TX frame, but of type 4"},
      {std::string("\2\0\0\0\2\1", 6), "frame 3 does not parse"},
      {std::string("\3\0\0\0\2\1\4", 7), "frame 3 does not parse"},
      {std::string("\3\0\0\0\2\1\1", 7), "frame 3 does not parse"},
  };
  for (const auto& [bad, expected] : cases) {
    const Read all = through_file(good + bad);
    EXPECT_EQ(all.transactions.size(), 2U);
    EXPECT_NE(all.failure.find(expected), std::string::npos) << all.failure;
  }
}

TEST(TransactionReader, AMalformedLineIsNamed) {
  for (const char* bad : {"AAE", "AA=A", "AAEC AAEC", "not base64!", "=", "TXS1!"}) {
    const Read all = through_file("AAEC\n\n" + std::string(bad) + "\nAAEC\n");
    EXPECT_EQ(all.transactions.size(), 1U);
    EXPECT_NE(all.failure.find("line 3 is not base64"), std::string::npos) << all.failure;
  }
}

TEST(TransactionReader, AHugeLineIsRefusedWithoutReadingItAll) {
  const std::string longest(limits::kLineMaxBytes, 'A');
  EXPECT_EQ(through_file(longest).failure, "");
  EXPECT_EQ(through_file(longest + "\r\n").failure, "");
  EXPECT_NE(through_file("AAEC\n" + longest + "A\n").failure.find("line 2 is longer than 8192"),
            std::string::npos);
  // A pipe that never ends must not fill the memory.
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], longest.data(), longest.size()), static_cast<ssize_t>(longest.size()));
  ASSERT_EQ(write(ends[1], "AAA", 3), 3);
  TransactionReader reader(ends[0], "endless");
  TransactionReader::Item item;
  ASSERT_TRUE(reader.fill());
  EXPECT_FALSE(reader.next(item));
  close(ends[1]);
}

TEST(TransactionReader, SaysWhatAnUnknownInputIs) {
  EXPECT_NE(through_file("\x7f"
                         "ELF")
                .failure.find("neither the frames of a .txs file nor"),
            std::string::npos);
  EXPECT_NE(through_file("\x1f\x8b\x08").failure.find("zcat"), std::string::npos);
  const auto missing = TransactionReader::open("/nonexistent/file");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("/nonexistent/file"), std::string::npos);
  auto folder = TransactionReader::open("/");
  ASSERT_TRUE(folder);
  EXPECT_FALSE(folder->fill());
}

}  // namespace
}  // namespace txindex::tools
