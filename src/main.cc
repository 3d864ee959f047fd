// txindexd: the supervisor, and each of the children that it starts from the same binary.
#include <signal.h>

#include <charconv>
#include <chrono>
#include <cstdio>

#include "access/guard.h"
#include "config/command_line.h"
#include "config/settings.h"
#include "log/log.h"
#include "process/admin.h"
#include "process/control.h"
#include "process/launch.h"
#include "process/supervisor.h"
#include "process/worker.h"
#include "stats/segment.h"
#include "store/connection_string.h"
#include "store/schema.h"
#include "verify/backend.h"
#include "version.h"

namespace {

using namespace txindex;

// For what goes wrong before there is a log.
int fail(const Failure& failure) {
  std::fprintf(stderr, "txindexd: %s\n", failure.message.c_str());
  return failure.exit_status;
}

// For what goes wrong in a child before it runs: its supervisor waits for an answer, and logs it.
int child_failed(int control_fd, const Failure& failure) {
  if (process::tell_failure(control_fd, failure)) return failure.exit_status;
  return fail(failure);
}

// The descriptor for that, also of a command line that cannot be parsed; -1 if it names none.
int control_fd_of(int argc, char** argv) {
  static constexpr std::string_view kFlag = "--control-fd=";
  int fd = -1;
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with(kFlag))
      std::from_chars(word.data() + kFlag.size(), word.data() + word.size(), fd);
  }
  return fd;
}

int migrate(const config::Config& config) {
  const auto interval = std::chrono::duration_cast<std::chrono::seconds>(config.partition_interval);
  const bool apart = !config.migrate_database.empty();
  std::optional<store::Ingest> ingest;
  if (apart) {
    const auto writer = store::parse_connection_string(config.database);
    if (!writer) return fail(writer.error());
    ingest = {writer->user, config.retention};
  }
  const auto done =
      store::migrate(apart ? config.migrate_database : config.database, interval, ingest);
  if (!done) {
    log::critical("{}", done.error().message);
    return done.error().exit_status;
  }
  log::info("the schema is at version {}{}", store::schema_version(), *done > 0 ? "" : " already");
  return 0;
}

int child(const config::CommandLine& line) {
  const auto& arguments = line.child;
  const auto slot = static_cast<std::size_t>(arguments.slot);
  const auto side = static_cast<std::size_t>(arguments.side);
  const bool admin = line.command == config::Command::admin;
  if (arguments.slot < 0 || (admin ? slot != stats::kAdminSlot : slot >= stats::kAdminSlot)) {
    return child_failed(arguments.control_fd,
                        failure("slot " + std::to_string(arguments.slot) + " is not for this"));
  }
  auto segment = stats::Segment::attach_child(arguments.stats_fd,
                                              {.slot = slot, .side = side, .tokens = !admin});
  if (!segment) return child_failed(arguments.control_fd, segment.error());
  if (admin) {
    return process::run_admin(line.config, {.slot = arguments.slot,
                                            .side = side,
                                            .generation = arguments.generation,
                                            .control_fd = arguments.control_fd,
                                            .segment = &*segment,
                                            .listen_fd = arguments.listen_fd,
                                            .listen = arguments.listen});
  }
  return process::run_worker(line.config, {.slot = arguments.slot,
                                           .generation = arguments.generation,
                                           .control_fd = arguments.control_fd,
                                           .tokens = &segment->tokens(),
                                           .stats = &segment->block(slot, side),
                                           .listen_fd = arguments.listen_fd,
                                           .patient = arguments.patient,
                                           .listen = arguments.listen});
}

int supervisor(const config::CommandLine& line, int argc, char** argv) {
  for (const auto& warning : line.warnings)
    log::warn("{}", warning);
  auto program = process::this_program(argc, argv);
  if (!program) return fail(program.error());
  program->arguments = config::original_arguments(std::move(program->arguments));
  if (line.command == config::Command::takeover)
    return process::run_takeover(line.config, *program, line.takeover);
  return process::run_supervisor(line.config, *program);
}

int run(const config::CommandLine& line, int argc, char** argv) {
  if (line.command == config::Command::worker || line.command == config::Command::admin)
    return child(line);
  if (line.command == config::Command::migrate) return migrate(line.config);
  return supervisor(line, argc, argv);
}

log::Options log_options(const config::Config& config) {
  const bool json = config.log_format == config::LogFormat::json;
  return {config.log_level, config.log_file, json ? log::Format::json : log::Format::text};
}

// The children that serve strangers are not told how to become the owner of the schema, and the
// admin process not how to connect at all.
result<void> add_passwords(config::Config& config, config::Command command) {
  if (store::has_password(config.migrate_database)) {
    // It would be in the memory of every process that reads the file, and in the environment or the
    // command line of others.
    return configuration_failure(
        "migrate.database has a password in it, which workers would read too: put it into a file "
        "that is named by migrate.password_file");
  }
  if (command == config::Command::admin) {
    config.database.clear();
    config.migrate_database.clear();
    return {};
  }
  if (auto ok = store::add_password(config.database, config.database_password_file); !ok) return ok;
  if (command == config::Command::worker) {
    config.migrate_database.clear();
    return {};
  }
  // Who runs `txindexd migrate` may be another user, whose files workers cannot read.
  if (command != config::Command::migrate && config.sandbox &&
      !config.migrate_password_file.empty() &&
      process::worker_may_read(config, config.migrate_password_file)) {
    return configuration_failure(
        "migrate.password_file: " + config.migrate_password_file +
        ": is in a folder that workers may read (the system's, and those of PostgreSQL's "
        "certificates): move it elsewhere, for example to /var/lib/txindexd/owner-password");
  }
  if (config.migrate_database.empty()) {
    if (config.migrate_password_file.empty()) return {};
    return configuration_failure(
        "migrate.password_file: there is no migrate.database that it is for");
  }
  return store::add_password(config.migrate_database, config.migrate_password_file,
                             {"migrate.database", "migrate.password_file"});
}

std::string process_name(const config::CommandLine& line) {
  switch (line.command) {
    case config::Command::worker:
      return "worker " + std::to_string(line.child.slot);
    case config::Command::admin:
      return "admin";
    case config::Command::migrate:
      return "migrate";
    default:
      return "supervisor";
  }
}

int print_version() {
  const auto backend = verify::start(VerifyBackend::automatic);
  std::printf("txindexd %s\nsignatures are verified by %s, unless verify.backend says otherwise\n",
              version(), std::string(verify::name(*backend)).c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int control_fd = control_fd_of(argc, argv);
  auto line = config::parse_command_line(argc, argv);
  if (!line) return child_failed(control_fd, line.error());
  switch (line->command) {
    case config::Command::help:
      std::fputs(line->help.c_str(), stdout);
      return 0;
    case config::Command::version:
      return print_version();
    case config::Command::print_config:
      std::fputs(config::print(line->config).c_str(), stdout);
      return 0;
    default:
      break;
  }
  // Every process reads the file, so that a rolling restart is enough for a new password.
  auto& config = line->config;
  if (auto ok = add_passwords(config, line->command); !ok)
    return child_failed(control_fd, ok.error());
  // Each worker reads certificates and tokens for itself, and chooses what verifies; here so that
  // what is wrong is said at once, and never by a supervisor that could not go back any more.
  const bool takes_over = line->command == config::Command::takeover;
  if (line->command == config::Command::check_config || line->command == config::Command::serve ||
      (takes_over && line->takeover.check)) {
    if (auto guard = access::Guard::load(config); !guard)
      return child_failed(control_fd, guard.error());
    if (auto backend = verify::start(config.verify_backend); !backend)
      return child_failed(control_fd, backend.error());
  }
  if (line->command == config::Command::check_config || line->command == config::Command::serve ||
      takes_over) {
    for (auto& warning : access::warnings(config))
      line->warnings.push_back(std::move(warning));
  }
  if (line->command == config::Command::check_config) {
    if (auto ok = log::check_file(config.log_file); !ok) return fail(ok.error());
    for (const auto& warning : line->warnings)
      std::fprintf(stderr, "txindexd: %s\n", warning.c_str());
    std::puts("configuration ok");
    return 0;
  }

  if (auto ok = log::initialise(log_options(line->config), process_name(*line)); !ok)
    return child_failed(control_fd, ok.error());
  // A peer that is gone is an error of the write that finds out, nowhere a reason to die.
  signal(SIGPIPE, SIG_IGN);
  const int status = run(*line, argc, argv);
  log::finish();
  return status;
}
