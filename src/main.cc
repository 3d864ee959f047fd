// txindexd: the supervisor, and each of the children that it starts from the same binary.
#include <signal.h>

#include <chrono>
#include <cstdio>

#include "config/command_line.h"
#include "config/settings.h"
#include "log/log.h"
#include "process/launch.h"
#include "process/supervisor.h"
#include "process/worker.h"
#include "stats/segment.h"
#include "store/schema.h"
#include "version.h"

namespace {

using namespace txindex;

// For what goes wrong before there is a log.
int fail(const Failure& failure) {
  std::fprintf(stderr, "txindexd: %s\n", failure.message.c_str());
  return failure.exit_status;
}

int migrate(const config::Config& config) {
  const auto done = store::migrate(
      config.database, std::chrono::duration_cast<std::chrono::seconds>(config.partition_interval));
  if (!done) {
    log::critical("{}", done.error().message);
    return done.error().exit_status;
  }
  if (*done > 0) log::info("the schema is at version {}", store::schema_version());
  return 0;
}

int worker(const config::Config& config, const config::ChildArguments& arguments) {
  auto segment = stats::Segment::attach(arguments.stats_fd);
  if (!segment) return fail(segment.error());
  const auto slot = static_cast<std::size_t>(arguments.slot);
  const auto side = static_cast<std::size_t>(arguments.side);
  if (arguments.slot < 0 || slot >= segment->slot_count() || side >= stats::kSides) {
    return fail(failure("there is no slot " + std::to_string(arguments.slot) + " with a side " +
                        std::to_string(arguments.side)));
  }
  process::WorkerEnvironment environment;
  environment.slot = arguments.slot;
  environment.generation = arguments.generation;
  environment.control_fd = arguments.control_fd;
  environment.stats = &segment->block(slot, side);
  environment.patient = arguments.patient;
  environment.listen = arguments.listen;
  return process::run_worker(config, environment);
}

int supervisor(const config::CommandLine& line, int argc, char** argv) {
  for (const auto& warning : line.warnings)
    log::warn("{}", warning);
  const auto program = process::this_program(argc, argv);
  if (!program) return fail(program.error());
  return process::run_supervisor(line.config, *program);
}

int run(const config::CommandLine& line, int argc, char** argv) {
  if (line.command == config::Command::worker) return worker(line.config, line.child);
  if (line.command == config::Command::migrate) return migrate(line.config);
  return supervisor(line, argc, argv);
}

log::Options log_options(const config::Config& config) {
  const bool json = config.log_format == config::LogFormat::json;
  return {config.log_level, config.log_file, json ? log::Format::json : log::Format::text};
}

std::string process_name(const config::CommandLine& line) {
  switch (line.command) {
    case config::Command::worker:
      return "worker " + std::to_string(line.child.slot);
    case config::Command::migrate:
      return "migrate";
    default:
      return "supervisor";
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto line = config::parse_command_line(argc, argv);
  if (!line) return fail(line.error());
  switch (line->command) {
    case config::Command::help:
      std::fputs(line->help.c_str(), stdout);
      return 0;
    case config::Command::version:
      std::puts("txindexd " TXINDEX_VERSION);
      return 0;
    case config::Command::print_config:
      std::fputs(config::print(line->config).c_str(), stdout);
      return 0;
    default:
      break;
  }
  if (line->command == config::Command::check_config) {
    for (const auto& warning : line->warnings)
      std::fprintf(stderr, "txindexd: %s\n", warning.c_str());
    std::puts("configuration ok");
    return 0;
  }

  if (auto ok = log::initialise(log_options(line->config), process_name(*line)); !ok) {
    return fail(ok.error());
  }
  // A peer that is gone is an error of the write that finds out, nowhere a reason to die.
  signal(SIGPIPE, SIG_IGN);
  const int status = run(*line, argc, argv);
  log::finish();
  return status;
}
