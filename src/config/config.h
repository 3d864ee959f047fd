// What an operator can choose, as plain values that have been checked.
//
// How the values are written (flag, file, environment), their bounds and their help are in
// settings.cc; how they are gathered is in command_line.h. A Config is made once, early in main,
// and read by everybody else.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "txindex/endpoint.h"
#include "txindex/index_level.h"
#include "txindex/limits.h"
#include "txindex/verify_backend.h"

namespace txindex::config {

enum class LogFormat : std::uint8_t { text, json };

struct Config {
  Endpoint listen{"127.0.0.1", 9400};
  std::optional<Endpoint> admin = Endpoint{"127.0.0.1", 9464};  // none: no admin process
  std::vector<std::string> admin_hosts;  // names by which browsers may reach it

  bool insecure = false;        // listen on any address, whoever may then send
  std::string tls_certificate;  // files; empty: no TLS
  std::string tls_key;
  std::string tls_client_ca;  // empty: clients need no certificate
  std::string tokens;         // a file; empty: producers need no token

  std::string database;  // libpq's connection string or URI; may hold a password: never logged
  std::string database_password_file;  // its first line is the password; empty: there is none
  bool allow_unsafe_durability = false;
  std::optional<std::chrono::microseconds> statement_timeout = std::chrono::minutes(2);
  bool migrate = true;
  std::string migrate_database;       // as `database`; empty: that one
  std::string migrate_password_file;  // for migrate_database
  IndexLevel index_level = IndexLevel::accounts;
  std::chrono::microseconds partition_interval = std::chrono::hours(1);
  std::chrono::microseconds dedup_window = std::chrono::minutes(10);
  std::chrono::microseconds time_max_future = std::chrono::minutes(5);
  std::chrono::microseconds time_max_age = std::chrono::hours(24 * 30);
  std::optional<std::chrono::microseconds> retention;  // none: nothing is ever dropped

  int workers = 0;         // 0: one for each core
  int verify_threads = 0;  // of each worker; 0: what the cores leave
  VerifyBackend verify_backend = VerifyBackend::automatic;
  int writers = 2;  // PostgreSQL connections of each worker
  std::size_t batch_max_rows = 2000;
  std::size_t batch_max_bytes = 4 * limits::kMiB;
  std::chrono::microseconds batch_linger = std::chrono::milliseconds(2);

  std::size_t in_flight_bytes = 64 * limits::kMiB;  // of each worker
  std::size_t max_connections = 4096;               // of each worker
  std::size_t max_connections_per_address = 1024;   // of each worker
  std::chrono::microseconds hello_timeout = std::chrono::seconds(10);
  std::chrono::microseconds frame_timeout = std::chrono::seconds(30);
  std::chrono::microseconds answers_timeout = std::chrono::seconds(30);
  std::optional<std::chrono::microseconds> idle_timeout = std::chrono::minutes(10);
  std::chrono::microseconds drain_timeout = std::chrono::seconds(30);
  std::chrono::microseconds roll_ready_timeout = std::chrono::seconds(60);
  std::chrono::microseconds roll_settle = std::chrono::seconds(5);
  bool sandbox = true;  // for the children, as far as the kernel can

  std::string log_level = "info";
  std::string log_file;  // empty: standard error
  LogFormat log_format = LogFormat::text;

  bool operator==(const Config&) const = default;
};

// The cores that this process may run on, at least 1.
int available_cores();

// Whether a host is this machine, to itself only: localhost, 127.0.0.0/8, ::1.
bool is_loopback(const std::string& host);

// Whether whoever reaches the host may send, other machines among them, and nobody has said so.
bool lets_strangers_in(const Config& config, const std::string& host);

// The figures that 0 stands for, given the number of cores.
int effective_workers(const Config& config, int cores);
// `used`: not `automatic`.
int effective_verify_threads(const Config& config, int cores, VerifyBackend used);

// What is wrong between the values of a Config whose single values have been checked.
struct Contradiction {
  std::string_view key;  // where a person would begin to mend it
  std::string message;
};
std::optional<Contradiction> contradiction(const Config& config);

}  // namespace txindex::config
