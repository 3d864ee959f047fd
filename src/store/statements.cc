#include "store/statements.h"

#include <algorithm>

namespace txindex::store {
namespace {

constexpr long kLockTimeoutMs = 30'000;

constexpr const char* kColumns =
    "ts, id, slot, received_at, chain, version, signature_count, account_count,"
    " instruction_count, txid, fee_payer, recent_blockhash, raw";

// $1 to $13, not closed. Rows come in the order of their keys, and unnest keeps it.
constexpr const char* kRows =
    "unnest($1::timestamptz[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::smallint[],"
    " $6::smallint[], $7::smallint[], $8::smallint[], $9::smallint[], $10::bytea[], $11::bytea[],"
    " $12::bytea[], $13::bytea[]";

// No target is named: each leaf has its own unique index.
constexpr const char* kOnlyNew = " ON CONFLICT DO NOTHING";

std::string insert_new() {
  const std::string columns = kColumns;
  return "WITH new AS (INSERT INTO txindex.transactions (" + columns + ") SELECT " + columns +
         " FROM " + kRows + ") AS r(" + columns + ")" + kOnlyNew + " RETURNING id)";
}

// Rows close to a boundary must first get their key into the boundary's own table; those that do
// are known by their id, since one batch may have the same txid on both sides.
//
// The sort reads `claimed` to its end before the first row goes into `transactions`. So every
// writer takes the boundaries' keys first and then the leaves', each in order, and none can wait
// for one that waits for it. A claimed row may still meet its txid in the leaf, stamped further
// from the boundary: the key then stands for that one, which makes it unique across the boundary
// too.
std::string insert_new_with_boundary(IndexLevel level) {
  const std::string columns = kColumns;
  const std::string boundary = "$" + std::to_string(parameter_count(level, true));
  return "WITH input AS MATERIALIZED (SELECT * FROM " + std::string(kRows) + ", " + boundary +
         "::timestamptz[]) WITH ORDINALITY AS r(" + columns +
         ", boundary, ordinal)),"
         " claimed AS (INSERT INTO txindex.boundary_transactions (boundary, id, chain, txid)"
         " SELECT boundary, id, chain, txid FROM input WHERE boundary IS NOT NULL"
         " ORDER BY boundary, substr(txid, length(txid) - 23), txid, chain" +
         kOnlyNew +
         " RETURNING id),"
         " new AS (INSERT INTO txindex.transactions (" +
         columns + ") SELECT ts, r.id" + columns.substr(std::string("ts, id").size()) +
         " FROM input r LEFT JOIN claimed c ON c.id = r.id"
         " WHERE r.boundary IS NULL OR c.id IS NOT NULL ORDER BY ordinal" +
         kOnlyNew + " RETURNING id)";
}

// What points to a transaction goes in with it if it is new. A filter and not a join, because a
// filter keeps the order of its input, which is that of the index: IS TRUE keeps the planner from
// making a join of it.
constexpr const char* kOfNew = " WHERE (p.id IN (SELECT id FROM new)) IS TRUE)";

constexpr const char* kAccounts =
    ", accounts AS (INSERT INTO txindex.transaction_accounts (ts, id, chain, roles, account)"
    " SELECT ts, id, chain, roles, account"
    " FROM unnest($14::timestamptz[], $15::bigint[], $16::smallint[], $17::smallint[],"
    " $18::bytea[]) AS p(ts, id, chain, roles, account)";

constexpr const char* kLookups =
    ", lookups AS (INSERT INTO txindex.transaction_lookups"
    " (ts, id, chain, ordinal, lookup_table, writable, readonly)"
    " SELECT ts, id, chain, ordinal, lookup_table, writable, readonly"
    " FROM unnest($19::timestamptz[], $20::bigint[], $21::smallint[], $22::smallint[],"
    " $23::bytea[], $24::bytea[], $25::bytea[])"
    " AS p(ts, id, chain, ordinal, lookup_table, writable, readonly)";

constexpr const char* kInstructions =
    ", instructions AS (INSERT INTO txindex.instructions"
    " (ts, id, chain, ordinal, program, accounts, data)"
    " SELECT ts, id, chain, ordinal, program, accounts, data"
    " FROM unnest($26::timestamptz[], $27::bigint[], $28::smallint[], $29::smallint[],"
    " $30::bytea[], $31::bytea[], $32::bytea[])"
    " AS p(ts, id, chain, ordinal, program, accounts, data)";

constexpr const char* kAnswer =
    " SELECT count(*), CASE WHEN count(*) < cardinality($2) THEN array_agg(id) END FROM new";

// By Table: in the order in which Batch adds the fields.
constexpr const char* kCopied[kTables] = {
    "boundary_transactions (boundary, id, chain, txid)",
    ("transactions (ts, id, chain, slot, received_at, version, signature_count, account_count,"
     " instruction_count, txid, fee_payer, recent_blockhash, raw)"),
    "transaction_accounts (ts, id, chain, roles, account)",
    "transaction_lookups (ts, id, chain, ordinal, lookup_table, writable, readonly)",
    "instructions (ts, id, chain, ordinal, program, accounts, data)",
};

}  // namespace

std::string copy_statements(const std::vector<Batch::Copy>& copies) {
  std::string sql;
  for (const auto& copy : copies) {
    if (!sql.empty()) sql += "; ";
    sql.append("COPY txindex.").append(kCopied[static_cast<std::size_t>(copy.table)]);
    sql += " FROM STDIN (FORMAT binary)";
  }
  return sql;
}

std::string insert_statement(IndexLevel level, bool with_boundary) {
  std::string sql = with_boundary ? insert_new_with_boundary(level) : insert_new();
  if (level >= IndexLevel::accounts)
    sql.append(kAccounts).append(kOfNew).append(kLookups).append(kOfNew);
  if (level >= IndexLevel::instructions) sql.append(kInstructions).append(kOfNew);
  return sql + kAnswer;
}

std::string session_settings(long statement_timeout_ms) {
  // What holds a lock for longer is a person's work or stuck; said as such sooner than as a
  // statement that is slow.
  const long lock_timeout_ms =
      statement_timeout_ms == 0 ? kLockTimeoutMs : std::min(kLockTimeoutMs, statement_timeout_ms);
  return "SET TimeZone = 'UTC';"
         // Only what may make the outcome of a commit doubtful.
         "SET client_min_messages = warning;"
         // ON CONFLICT would fail where it meets a row newer than its snapshot.
         "SET default_transaction_isolation = 'read committed';"
         // Parameters are arrays of any length, of which the planner knows nothing: one plan for
         // all, of hash joins, whose cost is bounded; compiling it would cost more than it saves.
         "SET plan_cache_mode = force_generic_plan;"
         "SET jit = off;"
         "SET enable_nestloop = off;"
         "SET enable_mergejoin = off;"
         "SET work_mem = '64MB';"
         // A writer's transaction is one statement, so it never idles in one unless it hangs.
         "SET idle_in_transaction_session_timeout = '60s';"
         "SET lock_timeout = " +
         std::to_string(lock_timeout_ms) +
         ";"
         "SET statement_timeout = " +
         std::to_string(statement_timeout_ms);
}

}  // namespace txindex::store
