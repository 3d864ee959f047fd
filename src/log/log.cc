#include "log/log.h"

#include <fcntl.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cstdio>

namespace txindex::log {

result<void> initialise(const Options& options, const std::string& process) {
  const auto level = spdlog::level::from_str(options.level);
  if (level == spdlog::level::off && options.level != "off") {
    return configuration_failure("log.level: '" + options.level +
                                 "' is none of trace, debug, info, warn, error, critical, off");
  }
  // Children open the file for themselves.
  spdlog::file_event_handlers handlers;
  handlers.after_open = [](const spdlog::filename_t&, std::FILE* file) {
    ::fcntl(fileno(file), F_SETFD, FD_CLOEXEC);
  };
  try {
    std::shared_ptr<spdlog::logger> logger;
    if (options.file.empty()) {
      logger = std::make_shared<spdlog::logger>(process,
                                                std::make_shared<spdlog::sinks::stderr_sink_mt>());
    } else {
      logger = std::make_shared<spdlog::logger>(
          process,
          std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file, false, handlers));
    }
    logger->set_level(level);
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l [%n %P] %v");
    // Each line reaches the kernel as it is written: what a process said before it died is there.
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
  } catch (const spdlog::spdlog_ex& problem) {
    return configuration_failure("log.file: " + std::string(problem.what()));
  }
  return {};
}

}  // namespace txindex::log
