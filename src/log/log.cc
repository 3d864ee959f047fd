#include "log/log.h"

#include <unistd.h>

#include <cmath>

#include "log/limiter.h"
#include "log/sink.h"

namespace txindex::log {
namespace {

static_assert(static_cast<int>(Level::off) == static_cast<int>(spdlog::level::off) &&
              static_cast<int>(Level::warning) == static_cast<int>(spdlog::level::warn));

constexpr std::uint64_t kMostOfAKind = 20;
constexpr auto kInterval = std::chrono::seconds(10);

// What this file says itself is not of a kind: it cannot be caused without end.
struct Logger {
  std::shared_ptr<Sink> sink;
  std::shared_ptr<spdlog::logger> logger;
  std::unique_ptr<Limiter> limiter;

  void submit(Level level, std::string_view text, std::span<const Field> fields) {
    const FieldsOfThread of_this_message(fields);
    logger->log(static_cast<spdlog::level::level_enum>(level), text);
  }

  void submit(const std::vector<Limiter::Repeated>& repeated) {
    for (const auto& kind : repeated) {
      const std::chrono::duration<double> span = kind.span;
      const Field fields[] = {{"repeated", kind.count}, {"seconds", std::ceil(span.count())}};
      submit(kind.level, kind.kind, fields);
    }
  }
};

Logger make_logger(std::shared_ptr<Sink> sink, const Options& options, const std::string& process) {
  auto logger = std::make_shared<spdlog::logger>(process, sink);
  logger->set_formatter(
      std::make_unique<Formatter>(options.format, options.file.empty() && stderr_is_journal()));
  logger->set_level(spdlog::level::from_str(options.level));
  auto limiter = std::make_unique<Limiter>(kMostOfAKind, kInterval);
  return {std::move(sink), std::move(logger), std::move(limiter)};
}

// Before initialise(): to standard error, as text.
Logger& the_logger() {
  static Logger logger = make_logger(std::make_shared<Sink>(), {}, "txindex");
  return logger;
}

bool passes(Logger& logger, Level level, std::string_view kind) {
  if (!logger.logger->should_log(static_cast<spdlog::level::level_enum>(level))) return false;
  // Who asks for less severe ones wants them all.
  if (level < Level::info) return true;
  const auto now = std::chrono::steady_clock::now();
  const bool admitted = logger.limiter->admit(kind, level, now);
  logger.submit(logger.limiter->over(now));
  return admitted;
}

}  // namespace

result<void> initialise(const Options& options, const std::string& process) {
  if (spdlog::level::from_str(options.level) == spdlog::level::off && options.level != "off") {
    return configuration_failure("log.level: '" + options.level +
                                 "' is none of trace, debug, info, warn, error, critical, off");
  }
  auto sink = std::make_shared<Sink>();
  if (!options.file.empty()) {
    auto file = Sink::open(options.file);
    if (!file) return file.error();
    sink = *std::move(file);
  }
  the_logger() = make_logger(std::move(sink), options, process);
  spdlog::set_default_logger(the_logger().logger);
  return {};
}

result<void> check_file(const std::string& path) {
  return path.empty() ? result<void>() : Sink::check(path);
}

bool reopen() {
  const auto reopened = the_logger().sink->reopen();
  if (!reopened) error("{}; going on with the file that was open", reopened.error().message);
  return reopened.has_value();
}

void reopen(int fd, const std::string& path) {
  Sink& sink = *the_logger().sink;
  if (path == sink.path()) {
    if (fd < 0) return;
    if (const auto replaced = sink.replace(fd); !replaced)
      error("{}; going on with the file that was open", replaced.error().message);
    return;
  }
  // It was set since, and the supervisor does not know it yet.
  if (fd >= 0) ::close(fd);
  if (!sink.reopen()) {
    error(
        "log.file: {}: going on with the file that was open, because the supervisor has still {}; "
        "SIGHUP renews it",
        sink.path(), path.empty() ? "standard error" : path);
  }
}

int open_again() {
  const auto fd = the_logger().sink->open_again();
  if (fd) return *fd;
  error("{}", fd.error().message);
  return -1;
}

const std::string& file() {
  return the_logger().sink->path();
}

int descriptor() {
  return the_logger().sink->descriptor();
}

void tend() {
  Logger& logger = the_logger();
  logger.submit(logger.limiter->over(std::chrono::steady_clock::now()));
}

void finish() {
  Logger& logger = the_logger();
  logger.submit(logger.limiter->all(std::chrono::steady_clock::now()));
}

void event(Level level, std::string_view text, std::span<const Field> fields) {
  Logger& logger = the_logger();
  if (passes(logger, level, text)) logger.submit(level, text, fields);
}

void detail::write(Level level, fmt::string_view format, fmt::format_args arguments) {
  Logger& logger = the_logger();
  if (!passes(logger, level, {format.data(), format.size()})) return;
  logger.submit(level, fmt::vformat(format, arguments), {});
}

}  // namespace txindex::log
