#include "store/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <pqxx/pqxx>

#include "store/backoff.h"
#include "store/binary_array.h"
#include "store/sample_rows.h"
#include "support/postgres.h"

namespace txindex::store {
namespace {

using test::kMiddle;
using test::kMinute;

TEST(BinaryArray, HasTheLayoutThatPostgresqlReads) {
  BinaryArray array(ElementType::int2);
  array.add_int2(-2);
  array.add_null();
  const std::string expected(
      "\0\0\0\1\0\0\0\1\0\0\0\25\0\0\0\2\0\0\0\1"
      "\0\0\0\2\xff\xfe\xff\xff\xff\xff",
      30);
  EXPECT_EQ(array.finish(), expected);
  array.clear();
  EXPECT_EQ(array.finish(), std::string_view("\0\0\0\0\0\0\0\0\0\0\0\25", 12));
}

TEST(BinaryArray, OfEveryTypeIsReadAsWhatWasAdded) {
  const test::PostgresCluster postgres;
  pqxx::connection connection(postgres.conninfo());
  pqxx::nontransaction work(connection);
  const auto read = [&](BinaryArray& array, const std::string& type) -> std::string {
    const auto bytes = array.finish();
    return work
        .exec_params("SELECT $1::" + type + "[]::text",
                     pqxx::binarystring(bytes.data(), bytes.size()))[0][0]
        .c_str();
  };
  work.exec("SET TimeZone = 'UTC'");

  BinaryArray int2(ElementType::int2);
  for (const int value : {0, 1, -1, 32767, -32768})
    int2.add_int2(static_cast<std::int16_t>(value));
  EXPECT_EQ(read(int2, "smallint"), "{0,1,-1,32767,-32768}");

  BinaryArray int8(ElementType::int8);
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{-1}, INT64_MAX, INT64_MIN})
    int8.add_int8(value);
  int8.add_null();
  EXPECT_EQ(read(int8, "bigint"), "{0,-1,9223372036854775807,-9223372036854775808,NULL}");

  BinaryArray time(ElementType::timestamptz);
  for (const std::int64_t value : {std::int64_t{0}, kMiddle + 1})
    time.add_time(value);
  EXPECT_EQ(read(time, "timestamptz"),
            "{\"1970-01-01 00:00:00+00\",\"2026-11-21 10:30:00.000001+00\"}");

  BinaryArray bytes(ElementType::bytea);
  const std::vector<std::uint8_t> all = {0, 1, 255, 34, 92};
  bytes.add_bytes(all);
  bytes.add_bytes({});
  EXPECT_EQ(read(bytes, "bytea"), "{\"\\\\x0001ff225c\",\"\\\\x\"}");

  BinaryArray empty(ElementType::bytea);
  EXPECT_EQ(read(empty, "bytea"), "{}");
}

TEST(Batch, RowsAreSentInTheOrderOfTheirKeysWhateverOrderTheyCameIn) {
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  test::SampleRows sample(seed);
  const PartitionRule rule{60 * kMinute, 10 * kMinute};
  auto rows = sample.make_many(200);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].time_us += static_cast<std::int64_t>(i % 3) * 60 * kMinute;
  }
  // The same transaction twice.
  rows.push_back(rows.front());
  std::vector<Item> items;
  for (Row& row : rows)
    items.push_back(Item::of(row, static_cast<std::int64_t>(items.size()), rule));
  std::shuffle(items.begin(), items.end(), std::mt19937(seed));
  sort_for_writing(items);
  for (std::size_t i = 1; i < items.size(); ++i) {
    const auto key = [](const Item& item) {
      const Bytes txid = item.row->transaction->txid;
      return std::tuple(item.partition_us, std::vector(txid.end() - 24, txid.end()),
                        std::vector(txid.begin(), txid.end()), item.id);
    };
    ASSERT_LT(key(items[i - 1]), key(items[i]));
  }
}

TEST(Batch, OnlyRowsCloseToABoundaryNeedItsTable) {
  test::SampleRows sample(1);
  const PartitionRule rule{60 * kMinute, 10 * kMinute};
  Batch batch(IndexLevel::accounts, rule);
  Row row = sample.make(kMiddle);
  Item item = Item::of(row, 1, rule);
  batch.encode({&item, 1}, Batch::Form::arrays);
  EXPECT_FALSE(batch.has_boundary());
  EXPECT_EQ(batch.parameters().size(), parameter_count(IndexLevel::accounts, false));
  row.time_us += 25 * kMinute;
  batch.encode({&item, 1}, Batch::Form::arrays);
  EXPECT_TRUE(batch.has_boundary());
  EXPECT_EQ(batch.parameters().size(), parameter_count(IndexLevel::accounts, true));
  EXPECT_EQ(batch.rows(), 1U);
  EXPECT_EQ(batch.postings(), 3U);
}

TEST(Backoff, DoublesUpToItsMostAndBeginsAnewWhenReset) {
  using std::chrono::milliseconds;
  Backoff backoff(milliseconds(50), milliseconds(5000), 1);
  for (int round = 0; round < 2; ++round) {
    for (const int most : {50, 100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
      const auto pause = backoff.next();
      EXPECT_LE(pause.count(), most);
      EXPECT_GE(pause.count(), most / 2);
    }
    backoff.reset();
  }
}

}  // namespace
}  // namespace txindex::store
