#include "store/pg_session.h"

#include <charconv>
#include <pqxx/binarystring>
#include <pqxx/except>
#include <pqxx/nontransaction>
#include <pqxx/prepared_statement>
#include <pqxx/result>

#include "flow/test_switches.h"
#include "log/log.h"
#include "store/schema_internal.h"
#include "store/statements.h"

namespace txindex::store {
namespace {

constexpr const char* kPlain = "txindex_insert";
constexpr const char* kBoundary = "txindex_insert_boundary";
constexpr const char* kPresent = "txindex_present";
constexpr const char* kEnsure = "txindex_ensure";
// In one transaction, by a test that breaks a promise.
constexpr int kBatchesLeftOpen = 16;

// One copy of each parameter, the only one between the encoder and libpq: the class takes no view.
pqxx::binarystring parameter(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

// PostgreSQL's text form of bigint[]: {1,2,3}
std::vector<std::int64_t> parse_ids(const char* text) {
  std::vector<std::int64_t> ids;
  const std::string_view all = text;
  const char* at = all.data() + 1;
  const char* const end = all.data() + all.size();
  while (at < end) {
    std::int64_t id = 0;
    const auto parsed = std::from_chars(at, end, id);
    if (parsed.ec != std::errc()) break;
    ids.push_back(id);
    at = parsed.ptr + 1;
  }
  return ids;
}

Verdict verdict_of(std::string_view sqlstate) {
  const auto in = [&](std::string_view start) { return sqlstate.substr(0, start.size()) == start; };
  if (in("22") || in("23")) return Verdict::bad_row;
  // Out of a resource, waited too long or cancelled.
  if (in("53") || in("55P03") || in("57014")) return Verdict::unavailable;
  // Shutting down, gone, read-only, which a session that has begun so stays, a plan or statement
  // that no longer fits the tables, and whatever else: a new session checks the server and the
  // schema before it writes.
  return Verdict::broken;
}

}  // namespace

// The classes that libpqxx throws without their SQLSTATE come first.
DatabaseError classify(const std::exception& problem) {
  const std::string message = first_line(problem);
  if (dynamic_cast<const pqxx::deadlock_detected*>(&problem) != nullptr) {
    return {Verdict::conflict, false, "40P01", message};
  }
  if (dynamic_cast<const pqxx::serialization_failure*>(&problem) != nullptr) {
    return {Verdict::conflict, false, "40001", message};
  }
  if (dynamic_cast<const pqxx::statement_completion_unknown*>(&problem) != nullptr) {
    return {Verdict::broken, true, "40003", message};
  }
  if (dynamic_cast<const pqxx::transaction_rollback*>(&problem) != nullptr) {
    return {Verdict::conflict, false, "40000", message};
  }
  if (const auto* sql = dynamic_cast<const pqxx::sql_error*>(&problem); sql != nullptr) {
    // PostgreSQL answered that the statement failed, so it stored nothing.
    return {verdict_of(sql->sqlstate()), false, sql->sqlstate(), message};
  }
  // A lost connection, or something that libpq could not make sense of. What libpqxx says of the
  // former depends on where it stumbles over it.
  const bool lost = message.empty() || message.starts_with("Could not obtain client encoding") ||
                    message.starts_with("Connection to database failed");
  return {Verdict::broken, true, "", lost ? "the connection is lost" : message};
}

bool PgSession::Warnings::operator()(const char message[]) noexcept {
  ++seen;
  try {
    // Its first line: a detail or a context behind it may hold values of rows.
    const std::string_view text = message;
    log::event(log::Level::warning, "PostgreSQL warned",
               {{"database", address_}, {"reason", text.substr(0, text.find('\n'))}});
  } catch (const std::exception&) {
    return false;  // counted all the same
  }
  return false;
}

PgSession::PgSession(const std::string& options, std::string address)
    : address_(std::move(address)), connection_(options), warnings_(connection_, address_) {
#include <pqxx/internal/ignore-deprecated-pre.hxx>
  connection_.inhibit_reactivation(true);
#include <pqxx/internal/ignore-deprecated-post.hxx>
  pqxx::nontransaction(connection_).exec(kPinSearchPath);
}

PgSession::~PgSession() {
  commit_what_a_test_left_open();
}

// Breaking the promise is to do harm only where a process is killed. In no released program.
void PgSession::commit_what_a_test_left_open() noexcept {
  if (!flow::broken(flow::Promise::commit_before_ack)) return;
  try {
    pqxx::nontransaction(connection_).exec("COMMIT");
  } catch (const std::exception&) {
    return;  // a session that is lost has nothing open
  }
}

result<void> PgSession::admit(bool allow_unsafe_durability,
                              std::chrono::seconds partition_interval) {
  {
    pqxx::nontransaction work(connection_);
    const auto row = work.exec1(
        "SELECT pg_is_in_recovery(), current_setting('server_version_num')::integer,"
        " current_setting('fsync'), current_setting('synchronous_commit'),"
        " current_setting('default_transaction_read_only')::boolean");
    if (row[1].as<int>() < 130000) {
      return configuration_failure(address_ + ": PostgreSQL 13 or later is needed");
    }
    if (row[0].as<bool>()) {
      return configuration_failure(address_ +
                                   ": the server is in recovery: a standby stores nothing");
    }
    if (row[4].as<bool>()) {
      return configuration_failure(address_ +
                                   ": default_transaction_read_only is on: nothing can be stored");
    }
    const std::string commit = row[3].c_str();
    if (!allow_unsafe_durability) {
      if (std::string_view(row[2].c_str()) == "off") return unsafe("fsync");
      if (commit == "off") return unsafe("synchronous_commit");
    }
    // A later change of the server's default does not reach this session.
    work.exec("SET synchronous_commit = " + work.quote(commit));
  }
  return check_schema_on(connection_, address_, partition_interval);
}

Failure PgSession::unsafe(std::string_view setting) const {
  return configuration_failure(address_ + ": " + std::string(setting) +
                               " is off: a crash would lose what has been acknowledged; switch it"
                               " on, or allow unsafe durability");
}

void PgSession::prepare(IndexLevel level, long statement_timeout_ms) {
  {
    pqxx::nontransaction work(connection_);
    work.exec(session_settings(statement_timeout_ms));
    work.exec(kKeepMemoryStatement);
  }
  connection_.prepare(kPlain, insert_statement(level, false));
  connection_.prepare(kBoundary, insert_statement(level, true));
  connection_.prepare(kPresent, kPresentStatement);
  connection_.prepare(kEnsure, kEnsureStatement);
  for (const char* name : {kPlain, kBoundary, kPresent, kEnsure})
    connection_.prepare_now(name);
}

// In no released program.
void PgSession::leave_open_if_a_test_says_so() {
  if (!flow::broken(flow::Promise::commit_before_ack)) return;
  static thread_local int batches = 0;
  if (batches++ % kBatchesLeftOpen != 0) return;
  pqxx::nontransaction work(connection_);
  work.exec("COMMIT");
  work.exec("BEGIN");
}

Written PgSession::copy(Batch& batch) {
  const auto copies = batch.copies();
  std::vector<std::string_view> data;
  data.reserve(copies.size());
  for (const auto& copy : copies)
    data.push_back(copy.data);
  leave_open_if_a_test_says_so();
  warnings_.seen = 0;
  flow::crash_point(flow::CrashPoint::statement_sent);
  connection_.copy(copy_statements(copies), data);
  flow::crash_point(flow::CrashPoint::commit_known);
  Written written;
  written.doubtful = warnings_.seen > 0;
  written.all_new = true;
  return written;
}

Written PgSession::write(Batch& batch) {
  std::vector<pqxx::binarystring> parameters;
  for (const std::string_view bytes : batch.parameters())
    parameters.push_back(parameter(bytes));
  leave_open_if_a_test_says_so();
  pqxx::nontransaction work(connection_);
  warnings_.seen = 0;
  flow::crash_point(flow::CrashPoint::statement_sent);
  const auto answer = work.exec_prepared1(batch.has_boundary() ? kBoundary : kPlain,
                                          pqxx::prepare::make_dynamic_params(parameters));
  flow::crash_point(flow::CrashPoint::commit_known);
  Written written;
  written.doubtful = warnings_.seen > 0;
  written.all_new = answer[0].as<std::size_t>() == batch.rows();
  if (!written.all_new && !answer[1].is_null()) written.new_ids = parse_ids(answer[1].c_str());
  return written;
}

bool PgSession::barrier() {
  warnings_.seen = 0;
  pqxx::nontransaction work(connection_);
  work.exec(kBarrierStatement);
  return warnings_.seen == 0;
}

std::vector<std::int64_t> PgSession::present(Batch& batch) {
  const auto [ts, id] = batch.keys();
  pqxx::nontransaction work(connection_);
  std::vector<std::int64_t> ids;
  for (const auto& row : work.exec_prepared(kPresent, parameter(ts), parameter(id))) {
    ids.push_back(row[0].as<std::int64_t>());
  }
  return ids;
}

int PgSession::ensure_partitions(const std::vector<std::int64_t>& stamps_us) {
  BinaryArray stamps(ElementType::timestamptz);
  for (const std::int64_t stamp : stamps_us)
    stamps.add_time(stamp);
  pqxx::nontransaction work(connection_);
  return work.exec_prepared1(kEnsure, parameter(stamps.finish()))[0].as<int>();
}

std::int64_t PgSession::next_block() {
  pqxx::nontransaction work(connection_);
  return work.exec1(kNextBlockStatement)[0].as<std::int64_t>();
}

}  // namespace txindex::store
