// The SQL of a writer.
#pragma once

#include <string>
#include <vector>

#include "txindex/index_level.h"

#include "store/batch.h"

namespace txindex::store {

// One statement, hence one database transaction and one round trip, that stores a batch: what is
// new, with what points to it, and nothing of what is there already. Its parameters are those of
// Batch::parameters(). It answers with one row: how many rows are new, and their ids as text of an
// array, null when all are.
//
// `with_boundary`: for batches with rows close to a boundary between partitions.
std::string insert_statement(IndexLevel level, bool with_boundary);

// The statements, separated by semicolons, that store the rows of a batch or, if one of them is
// there, fail; sent together they are one database transaction.
std::string copy_statements(const std::vector<Batch::Copy>& copies);

// What is set in each session, as SQL; timeout 0: none.
std::string session_settings(long statement_timeout_ms);

// Makes the session's process at PostgreSQL keep the memory that it frees, up to 32 MB. A COPY
// needs some megabytes and frees them at its end; malloc of the GNU C library would give them back
// to the kernel, and the next COPY would have every page of them zeroed and mapped again, which
// took a seventh to a fifth of its time where it was measured. That library learns from large
// blocks that are freed: it keeps twice as much as the largest, up to 32 MB, that was (mallopt(3),
// M_MMAP_THRESHOLD). Others are not harmed.
inline constexpr const char* kKeepMemoryStatement = "SELECT octet_length(repeat(' ', 16777216))";

// $1 ts[], $2 id[]: the ids that are there.
inline constexpr const char* kPresentStatement =
    "SELECT r.id FROM unnest($1::timestamptz[], $2::bigint[]) AS r(ts, id)"
    " CROSS JOIN LATERAL (SELECT FROM txindex.transactions t"
    " WHERE t.ts = r.ts AND t.id = r.id LIMIT 1) AS found";

// A transaction that writes to the log and nothing else: when it has been committed, so has, and
// has been replicated if that is waited for, everything that was committed before it.
inline constexpr const char* kBarrierStatement =
    "SELECT pg_logical_emit_message(true, 'txindex', '')";

// $1 ts[]: makes the partitions for them, and answers how many tables it made.
inline constexpr const char* kEnsureStatement =
    "SELECT txindex.ensure_partitions($1::timestamptz[])";

inline constexpr const char* kNextBlockStatement = "SELECT nextval('txindex.transaction_id_block')";

}  // namespace txindex::store
