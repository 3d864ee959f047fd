// A database of one table, which does to a statement what PostgreSQL can do to it: store it and say
// so, store it and not be heard, lose it, refuse it for a row, for itself, or for want of a
// partition. What it is sent are the parameters that PostgreSQL would get.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "sim/chance.h"
#include "sim/transactions.h"
#include "store/answers.h"
#include "store/batch.h"
#include "store/commit_protocol.h"

namespace txindex::sim {

// One statement: what it asks for, and a copy of its parameters.
struct Statement {
  struct Row {
    std::int64_t time_us;
    std::int64_t id;
    std::size_t number;  // of the transaction
  };
  store::CommitProtocol::Step step{};
  std::vector<Row> rows;                // insert; the ids of find_present
  std::vector<std::int64_t> stamps_us;  // make_partitions
};

// What comes back. Numbers of blocks, tables and the like are in `number`.
struct Answer {
  std::optional<store::DatabaseError> error = {};
  store::Written written = {};
  std::int64_t number = 0;
  bool durable = true;
  std::vector<std::int64_t> ids = {};
};

class FakeDatabase {
 public:
  // `trouble`: how many statements of a hundred meet with some.
  FakeDatabase(Chance& chance, const Kinds& kinds, store::PartitionRule rule, unsigned trouble)
      : chance_(chance), kinds_(kinds), rule_(rule), trouble_(trouble) {}

  // No new trouble from here on.
  void calm() {
    trouble_ = 0;
    up_ = true;
  }
  bool troubled() const { return trouble_ > 0; }
  bool up() const { return up_; }
  // Goes away, or comes back. Who is connected finds out from the answer that does not come.
  void toggle();
  // A partition without rows is dropped, as retention or a person may. Twice only: under a writer
  // that has it dropped each time that it looks, that is not told from a row that is at fault.
  void drop_a_partition();

  std::optional<store::DatabaseError> connect();

  // Takes effect, now and as a whole, or not at all.
  Answer execute(const Statement& statement);
  // The connection broke before there was an answer: the statement may have been executed, may be
  // lost, or may still be executed at some later time.
  store::DatabaseError lose(const Statement& statement);
  bool something_late() const { return !late_.empty(); }
  void execute_something_late();

  bool has(std::size_t number) const { return rows_.contains(number); }
  bool durable(std::size_t number) const;
  std::size_t size() const { return rows_.size(); }

 private:
  struct Stored {
    std::int64_t id;
    bool durable;  // the replica that has to have it has it
  };

  Answer insert(const Statement& statement);
  bool would_conflict(const Statement& statement) const;
  store::DatabaseError refuse_statement();

  Chance& chance_;
  const Kinds& kinds_;
  const store::PartitionRule rule_;
  unsigned trouble_;
  bool up_ = true;
  std::map<std::size_t, Stored> rows_;  // by the transaction's number: once, for ever
  std::set<std::int64_t> ids_;
  std::map<std::int64_t, std::size_t> partitions_;  // rows in each, by its first instant
  int drops_left_ = 2;
  std::int64_t next_block_ = 1;
  std::vector<Statement> late_;
};

// Reads the parameters as PostgreSQL does.
Statement statement_for(store::CommitProtocol& protocol);

}  // namespace txindex::sim
