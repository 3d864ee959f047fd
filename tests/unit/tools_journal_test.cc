#include <gtest/gtest.h>

#include <fstream>

#include "support/process.h"
#include "support/temp_dir.h"
#include "tools/journal.h"

namespace txindex::tools::journal {
namespace {

Sent sent(std::uint64_t n) {
  Sent record{static_cast<std::uint32_t>(n % 7),
              n,
              1'700'000'000'000'000 + static_cast<int>(n),
              -static_cast<std::int64_t>(n),
              {}};
  record.txid.fill(static_cast<std::uint8_t>(n));
  record.txid[63] = 1;
  return record;
}
Acked acked(std::uint64_t n) {
  return {static_cast<std::uint32_t>(n % 7), n, 1'700'000'000'000'500 + static_cast<int>(n),
          static_cast<wire::Outcome>(n % wire::kOutcomeCount)};
}

// What can be read, and how it ended: "end", "torn", "END", or the message of the failure.
struct Contents {
  std::vector<Record> records;
  std::string ending;
};
Contents read(const std::string& path) {
  auto reader = Reader::open(path);
  if (!reader) return {{}, reader.error().message};
  Contents contents;
  while (true) {
    const auto next = reader->next();
    if (!next) {
      contents.ending = next.error().message;
      return contents;
    }
    if (!*next) break;
    contents.records.push_back(**next);
  }
  const bool ended = !contents.records.empty() && contents.records.back() == Record(End{});
  contents.ending = reader->torn() ? "torn" : ended ? "END" : "end";
  return contents;
}

class JournalTest : public testing::Test {
 protected:
  // A journal of 2 * `pairs` records, and END if it is finished.
  std::string make(std::uint64_t pairs, bool finished) {
    const std::string folder = dir_ / ("j" + std::to_string(++journals_));
    auto writer = Writer::create(folder, 3);
    EXPECT_TRUE(writer);
    for (std::uint64_t n = 0; n < pairs; ++n) {
      writer->add(sent(n));
      writer->add(acked(n));
      if (n % 10 == 0) {
        EXPECT_TRUE(writer->flush());
      }
    }
    EXPECT_TRUE(writer->flush());
    if (finished) {
      EXPECT_TRUE(writer->finish());
    }
    return file_name(folder, 3);
  }

  test::TempDir dir_;
  int journals_ = 0;
};

TEST_F(JournalTest, WhatWasWrittenIsReadBackInOrder) {
  const Contents contents = read(make(20'000, true));
  EXPECT_EQ(contents.ending, "END");
  ASSERT_EQ(contents.records.size(), 40'001U);
  for (std::uint64_t n = 0; n < 20'000; ++n) {
    ASSERT_EQ(contents.records[2 * n], Record(sent(n)));
    ASSERT_EQ(contents.records[2 * n + 1], Record(acked(n)));
  }
}

TEST_F(JournalTest, WhatWasFlushedIsThereWithoutAnEnd) {
  const Contents contents = read(make(5, false));
  EXPECT_EQ(contents.records.size(), 10U);
  EXPECT_EQ(contents.ending, "end");
}

TEST_F(JournalTest, CutAnywhereItIsGoodUpToTheLastWholeRecord) {
  const std::string path = make(3, true);
  const std::string whole = test::read_file(path);
  const std::vector<Record> all = read(path).records;
  for (std::size_t size = 8; size < whole.size(); ++size) {
    test::write_file(path, whole.substr(0, size));
    const Contents cut = read(path);
    ASSERT_LT(cut.records.size(), all.size());
    EXPECT_TRUE(std::equal(cut.records.begin(), cut.records.end(), all.begin()));
    // 93 and 22 bytes, one pair after the other, behind 8.
    const std::size_t in_pair = (size - 8) % 115;
    EXPECT_EQ(cut.ending, in_pair == 0 || in_pair == 93 ? "end" : "torn") << size;
    EXPECT_EQ(cut.records.size(), (size - 8) / 115 * 2 + (in_pair >= 93 ? 1 : 0)) << size;
  }
}

TEST_F(JournalTest, AReaderGoesOnWithWhatIsWrittenLater) {
  const std::string path = make(3, true);
  const std::string whole = test::read_file(path);
  test::write_file(path, whole.substr(0, 8));
  auto reader = Reader::open(path);
  ASSERT_TRUE(reader);
  std::size_t records = 0;
  for (std::size_t size = 9; size <= whole.size(); ++size) {
    std::ofstream(path, std::ios::binary | std::ios::app) << whole[size - 1];
    const auto next = reader->next();
    ASSERT_TRUE(next) << next.error().message;
    records += next->has_value();
  }
  EXPECT_EQ(records, 7U);
  EXPECT_FALSE(reader->torn());
}

TEST_F(JournalTest, WhatCannotBeIsAFailureThatNamesThePlace) {
  const std::string path = make(2, true);
  const std::string whole = test::read_file(path);
  const auto with = [&](std::size_t at, char byte) {
    std::string changed = whole;
    changed[at] = byte;
    test::write_file(path, changed);
    return read(path).ending;
  };
  EXPECT_EQ(with(0, 'X'), path + " is no journal of txindex load: it does not begin with TXJ1");
  EXPECT_EQ(with(8, 0), path + " is damaged: a record of type 0 at byte 8");
  EXPECT_EQ(with(8 + 93, 9), path + " is damaged: a record of type 9 at byte 101");
  EXPECT_EQ(with(8 + 93 + 21, 8), path + " is damaged: an unknown outcome, 8 at byte 101");
  test::write_file(path, whole + "x");
  EXPECT_EQ(read(path).ending,
            path + " is damaged: something after END at byte " + std::to_string(whole.size()));
  test::write_file(path, whole.substr(0, 7));
  EXPECT_NE(read(path).ending.find("no journal"), std::string::npos);
  const std::string none = dir_ / "none";
  EXPECT_NE(read(none).ending.find("cannot read " + none), std::string::npos);
}

TEST_F(JournalTest, IsNeverWrittenOver) {
  const std::string folder = dir_ / "j";
  {
    auto first = Writer::create(folder, 0);
    ASSERT_TRUE(first);
    first->add(sent(1));
    ASSERT_TRUE(first->flush());
  }
  const auto again = Writer::create(folder, 0);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find(file_name(folder, 0)), std::string::npos);
  EXPECT_EQ(read(file_name(folder, 0)).records.size(), 1U);
  EXPECT_TRUE(Writer::create(folder, 1));
  EXPECT_FALSE(Writer::create(dir_ / "no/such", 0));
}

}  // namespace
}  // namespace txindex::tools::journal
