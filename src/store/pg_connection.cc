#include "store/pg_connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <memory>
#include <pqxx/except>

namespace txindex::store {
namespace {

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, Clear>;

// What is left of the answer to a statement that has failed.
void drop_answers(PGconn* connection) {
  while (const Result result{PQgetResult(connection)}) {
    // More COPYs do not begin behind one that has failed.
    if (PQresultStatus(result.get()) == PGRES_COPY_IN) return;
  }
}

[[noreturn]] void fail(PGconn* connection, const Result& result, const std::string& sql) {
  const std::string message =
      result ? PQresultErrorMessage(result.get()) : PQerrorMessage(connection);
  const char* const state = result ? PQresultErrorField(result.get(), PG_DIAG_SQLSTATE) : nullptr;
  const std::string sqlstate = state != nullptr ? state : "";
  drop_answers(connection);
  // As libpqxx has it: without a state there was no answer.
  if (sqlstate.empty() || PQstatus(connection) != CONNECTION_OK) throw pqxx::broken_connection("");
  if (sqlstate == "40P01") throw pqxx::deadlock_detected(message);
  if (sqlstate == "40001") throw pqxx::serialization_failure(message);
  if (sqlstate == "40003") throw pqxx::statement_completion_unknown(message);
  throw pqxx::sql_error(message, sql, sqlstate.c_str());
}

void expect(PGconn* connection, ExecStatusType status, const std::string& sql) {
  const Result result{PQgetResult(connection)};
  if (!result || PQresultStatus(result.get()) != status) fail(connection, result, sql);
}

// In pieces, so that libpq does not keep a copy of all.
bool put(PGconn* connection, std::string_view data) {
  constexpr std::size_t kPiece = 65'536;
  for (; !data.empty(); data.remove_prefix(std::min(kPiece, data.size()))) {
    const auto size = static_cast<int>(std::min(kPiece, data.size()));
    if (PQputCopyData(connection, data.data(), size) != 1) return false;
  }
  return PQputCopyEnd(connection, nullptr) == 1;
}

}  // namespace

void PgConnection::copy(const std::string& sql, std::span<const std::string_view> data) {
  PGconn* const connection = policy_.connected();
  if (connection == nullptr) throw pqxx::broken_connection("");
  if (PQsendQuery(connection, sql.c_str()) == 0) fail(connection, nullptr, sql);
  for (const std::string_view rows : data) {
    expect(connection, PGRES_COPY_IN, sql);
    // Should PostgreSQL have failed meanwhile, it takes and forgets the rest, and its answer says
    // so.
    if (!put(connection, rows)) fail(connection, nullptr, sql);
    expect(connection, PGRES_COMMAND_OK, sql);
  }
  if (const Result more{PQgetResult(connection)}; more) fail(connection, more, sql);
}

bool PgConnection::alive() {
  PGconn* const connection = policy_.connected();
  if (connection == nullptr) return false;
  // What comes unasked is a notice, the new value of a setting, or why this is the end.
  pollfd socket = {.fd = PQsocket(connection), .events = POLLIN, .revents = 0};
  while (poll(&socket, 1, 0) > 0) {
    if (PQconsumeInput(connection) == 0 || PQstatus(connection) != CONNECTION_OK) return false;
  }
  return true;
}

}  // namespace txindex::store
