// txindexd: the supervisor, and each of the children that it starts from the same binary.
#include <signal.h>

#include <charconv>
#include <chrono>
#include <cstdio>

#include "config/command_line.h"
#include "config/settings.h"
#include "log/log.h"
#include "process/admin.h"
#include "process/control.h"
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

// Somebody who has started this process waits for an answer: its supervisor, over the descriptor
// that the command line names. It cannot be parsed, or this would not be needed.
void tell_supervisor(int argc, char** argv, const Failure& failure) {
  static constexpr std::string_view kFlag = "--control-fd=";
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    int fd = -1;
    if (word.starts_with(kFlag) &&
        std::from_chars(word.data() + kFlag.size(), word.data() + word.size(), fd).ec ==
            std::errc()) {
      process::tell_failure(fd, failure);
      return;
    }
  }
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
  environment.listen_fd = arguments.listen_fd;
  environment.patient = arguments.patient;
  environment.listen = arguments.listen;
  return process::run_worker(config, environment);
}

int admin(const config::Config& config, const config::ChildArguments& arguments) {
  auto segment = stats::Segment::attach(arguments.stats_fd);
  if (!segment) return fail(segment.error());
  const auto slot = static_cast<std::size_t>(arguments.slot);
  const auto side = static_cast<std::size_t>(arguments.side);
  if (slot != stats::kAdminSlot || segment->slot_count() != stats::kSlots ||
      side >= stats::kSides) {
    return fail(failure("the admin process has slot " + std::to_string(stats::kAdminSlot) +
                        " and side 0 or 1, not " + std::to_string(arguments.slot) + " and " +
                        std::to_string(arguments.side)));
  }
  process::AdminEnvironment environment;
  environment.slot = arguments.slot;
  environment.side = side;
  environment.generation = arguments.generation;
  environment.control_fd = arguments.control_fd;
  environment.segment = &*segment;
  environment.listen_fd = arguments.listen_fd;
  environment.listen = arguments.listen;
  return process::run_admin(config, environment);
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

}  // namespace

int main(int argc, char** argv) {
  const auto line = config::parse_command_line(argc, argv);
  if (!line) {
    tell_supervisor(argc, argv, line.error());
    return fail(line.error());
  }
  switch (line->command) {
    case config::Command::help:
      std::fputs(line->help.c_str(), stdout);
      return 0;
    case config::Command::version:
      std::printf("txindexd %s\n", version());
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

  if (auto ok =
          log::initialise({line->config.log_level, line->config.log_file}, process_name(*line));
      !ok) {
    return fail(ok.error());
  }
  // A peer that is gone is an error of the write that finds out, nowhere a reason to die.
  signal(SIGPIPE, SIG_IGN);
  if (line->command == config::Command::worker) return worker(line->config, line->child);
  if (line->command == config::Command::admin) return admin(line->config, line->child);
  if (line->command == config::Command::migrate) return migrate(line->config);

  for (const auto& warning : line->warnings)
    log::warn("{}", warning);
  auto program = process::this_program(argc, argv);
  if (!program) return fail(program.error());
  program->arguments = config::original_arguments(std::move(program->arguments));
  if (line->command == config::Command::takeover) {
    return process::run_takeover(line->config, *program, line->takeover);
  }
  return process::run_supervisor(line->config, *program);
}
