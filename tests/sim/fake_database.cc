#include "sim/fake_database.h"

#include <algorithm>
#include <set>

namespace txindex::sim {
namespace {

using Step = store::CommitProtocol::Step;
using store::Verdict;

constexpr std::size_t kIdParameter = 1;
constexpr std::size_t kTxidParameter = 9;
constexpr std::size_t kTsField = 0;
constexpr std::size_t kIdField = 1;
constexpr std::size_t kTxidField = 9;

std::uint32_t word_at(Bytes all, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8 | all[at + i];
  return value;
}

// The elements of a one-dimensional array in PostgreSQL's binary format.
std::vector<Bytes> elements(std::string_view array) {
  const Bytes all = as_bytes(array);
  const auto word = [&](std::size_t at) { return word_at(all, at); };
  std::vector<Bytes> found;
  if (word(0) == 0) return found;
  std::size_t at = 20;
  for (std::uint32_t left = word(12); left > 0; --left) {
    const std::uint32_t size = word(at);
    check(size != 0xffffffff, "ids, stamps and txids are never null");
    found.push_back(all.subspan(at + 4, size));
    at += 4 + size;
  }
  check(at == all.size(), "an array ends where its elements do");
  return found;
}

std::int64_t int8(Bytes element) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : element)
    value = value << 8 | byte;
  return static_cast<std::int64_t>(value);
}

// The fields of the rows that COPY takes; those that are null are empty.
std::vector<std::vector<Bytes>> copied_rows(std::string_view data) {
  constexpr std::size_t kHead = 19;
  const Bytes all = as_bytes(data);
  std::vector<std::vector<Bytes>> rows;
  std::size_t at = kHead;
  for (;;) {
    const auto fields = static_cast<std::uint16_t>(all[at] << 8 | all[at + 1]);
    at += 2;
    if (fields == 0xffff) break;
    auto& row = rows.emplace_back();
    for (std::uint16_t i = 0; i < fields; ++i) {
      const std::uint32_t size = word_at(all, at);
      const std::uint32_t bytes = size == 0xffffffff ? 0 : size;
      row.push_back(all.subspan(at + 4, bytes));
      at += 4 + bytes;
    }
  }
  check(at == all.size(), "rows end where their data does");
  return rows;
}

void take_copied(store::Batch& batch, Statement& statement) {
  for (const auto& copy : batch.copies()) {
    if (copy.table != store::Table::transactions) continue;
    for (const auto& fields : copied_rows(copy.data)) {
      statement.rows.push_back({int8(fields[kTsField]) + store::kPostgresEpochUs,
                                int8(fields[kIdField]), number_of(fields[kTxidField])});
    }
  }
}

}  // namespace

Statement statement_for(store::CommitProtocol& protocol) {
  Statement statement;
  statement.step = protocol.step();
  if (statement.step == Step::make_partitions) statement.stamps_us = protocol.missing_partitions();
  if (statement.step == Step::copy) take_copied(protocol.batch(), statement);
  if (statement.step != Step::insert && statement.step != Step::find_present) return statement;
  const auto parameters = protocol.batch().parameters();
  const auto [ts, id] = protocol.batch().keys();
  const auto times = elements(ts);
  const auto ids = elements(id);
  const auto txids = elements(parameters[kTxidParameter]);
  check(parameters[kIdParameter] == id && ids.size() == txids.size() && ids.size() == times.size(),
        "the columns of a batch belong together");
  for (std::size_t i = 0; i < ids.size(); ++i) {
    statement.rows.push_back(
        {int8(times[i]) + store::kPostgresEpochUs, int8(ids[i]), number_of(txids[i])});
  }
  return statement;
}

void FakeDatabase::toggle() {
  up_ = !up_;
  chance_.note(up_ ? "database is back" : "database goes away");
}

void FakeDatabase::drop_a_partition() {
  for (const auto& [first, rows] : partitions_) {
    if (rows > 0 || drops_left_ == 0) continue;
    --drops_left_;
    chance_.note("partition dropped", static_cast<std::uint64_t>(first));
    partitions_.erase(first);
    return;
  }
}

std::optional<store::DatabaseError> FakeDatabase::connect() {
  if (up_ && !chance_.percent(trouble_)) return std::nullopt;
  if (chance_.percent(20)) return store::DatabaseError{Verdict::refused, false, "", "in recovery"};
  return store::DatabaseError{Verdict::broken, chance_.percent(50), "", "connection refused"};
}

bool FakeDatabase::durable(std::size_t number) const {
  const auto found = rows_.find(number);
  return found != rows_.end() && found->second.durable;
}

// One that says that the statement was answered, and stored nothing.
store::DatabaseError FakeDatabase::refuse_statement() {
  switch (chance_.below(5)) {
    case 0:
      return {Verdict::conflict, false, "40001", "could not serialize access"};
    case 1:
      return {Verdict::conflict, false, "40P01", "deadlock detected"};
    case 2:
      return {Verdict::unavailable, false, "53100", "no space left on device"};
    case 3:
      return {Verdict::unavailable, false, "57014", "canceling statement"};
    default:
      return {Verdict::broken, false, "57P01", "terminating connection"};
  }
}

Answer FakeDatabase::execute(const Statement& statement) {
  if (chance_.percent(trouble_)) return {.error = refuse_statement()};
  Answer answer;
  switch (statement.step) {
    case Step::next_block:
      answer.number = next_block_++;
      break;
    case Step::make_partitions:
      for (const std::int64_t stamp : statement.stamps_us)
        answer.number += partitions_.try_emplace(rule_.partition_of(stamp), 0).second ? 3 : 0;
      break;
    case Step::copy:
    case Step::insert:
      return insert(statement);
    case Step::barrier:
      answer.durable = !chance_.percent(trouble_);
      if (answer.durable) {
        for (auto& [number, row] : rows_)
          row.durable = true;
      }
      break;
    case Step::find_present:
      for (const auto& row : statement.rows) {
        if (ids_.contains(row.id)) answer.ids.push_back(row.id);
      }
      break;
    default:
      broken("only statements are executed");
  }
  return answer;
}

bool FakeDatabase::would_conflict(const Statement& statement) const {
  std::set<std::size_t> numbers;
  return std::any_of(statement.rows.begin(), statement.rows.end(), [&](const auto& row) {
    return has(row.number) || !numbers.insert(row.number).second;
  });
}

Answer FakeDatabase::insert(const Statement& statement) {
  for (const auto& row : statement.rows) {
    check(row.number < kTransactions, "only what was sent is stored");
    const Kind kind = kinds_[row.number];
    if (!partitions_.contains(rule_.partition_of(row.time_us)) || kind == Kind::bad_row_23514) {
      return {.error = store::DatabaseError{Verdict::bad_row, false, "23514", "no partition"}};
    }
    if (kind == Kind::bad_row) {
      return {.error = store::DatabaseError{Verdict::bad_row, false, "22003", "out of range"}};
    }
    if (kind == Kind::bad_when_there && has(row.number)) {
      return {.error = store::DatabaseError{Verdict::bad_row, false, "23000", "again"}};
    }
    check(kind == Kind::good || kind == Kind::bad_when_there,
          "what does not verify or parse never reaches the database", row.number);
  }
  if (statement.step == Step::copy && would_conflict(statement))
    return {.error = store::DatabaseError{Verdict::bad_row, false, "23505", "duplicate key"}};
  Answer answer;
  answer.written.doubtful = chance_.percent(trouble_);
  for (const auto& row : statement.rows) {
    if (!rows_.try_emplace(row.number, Stored{row.id, !answer.written.doubtful}).second) continue;
    check(ids_.insert(row.id).second, "an id is of one row", row.number);
    chance_.note("row stored", row.number, static_cast<std::uint64_t>(row.time_us));
    ++partitions_[rule_.partition_of(row.time_us)];
    answer.written.new_ids.push_back(row.id);
  }
  // A commit that is replicated takes with it all that was committed before.
  if (!answer.written.doubtful && !answer.written.new_ids.empty()) {
    for (auto& [number, row] : rows_)
      row.durable = true;
  }
  answer.written.all_new = answer.written.new_ids.size() == statement.rows.size();
  if (answer.written.all_new) answer.written.new_ids.clear();
  return answer;
}

store::DatabaseError FakeDatabase::lose(const Statement& statement) {
  switch (chance_.below(3)) {
    case 0:
      chance_.note("lost before it took effect");
      break;
    case 1:
      chance_.note("took effect, the answer is lost");
      execute(statement);
      break;
    default:
      chance_.note("is still under way on the server, the connection is lost");
      late_.push_back(statement);
  }
  return {Verdict::broken, true, "", "the connection is lost"};
}

void FakeDatabase::execute_something_late() {
  const std::size_t which = chance_.below(late_.size());
  const Statement statement = late_[which];
  late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(which));
  chance_.note("takes effect late", static_cast<std::uint64_t>(statement.step));
  execute(statement);
}

}  // namespace txindex::sim
