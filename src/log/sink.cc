#include "log/sink.h"

#include <fcntl.h>
#include <spdlog/details/log_msg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace txindex::log {
namespace {

thread_local std::span<const Field> fields_of_thread;

constexpr int kFlags = O_WRONLY | O_APPEND | O_CLOEXEC;

Failure cannot_open(const std::string& path) {
  return configuration_failure("log.file: " + path + ": " + std::strerror(errno));
}

result<int> open_file(const std::string& path) {
  const int fd = ::open(path.c_str(), kFlags | O_CREAT, 0640);
  if (fd < 0) return cannot_open(path);
  return fd;
}

}  // namespace

bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

void Formatter::format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) {
  const std::string line = format_line(
      {
          .time = message.time,
          .level = static_cast<Level>(message.level),
          .process = {message.logger_name.data(), message.logger_name.size()},
          .pid = ::getpid(),
          .message = {message.payload.data(), message.payload.size()},
          .fields = fields_of_thread,
      },
      format_, for_journal_);
  out.append(line.data(), line.data() + line.size());
}

std::unique_ptr<spdlog::formatter> Formatter::clone() const {
  return std::make_unique<Formatter>(format_, for_journal_);
}

FieldsOfThread::FieldsOfThread(std::span<const Field> fields) {
  fields_of_thread = fields;
}

FieldsOfThread::~FieldsOfThread() {
  fields_of_thread = {};
}

result<std::shared_ptr<Sink>> Sink::open(const std::string& path) {
  const auto fd = open_file(path);
  if (!fd) return fd.error();
  auto sink = std::make_shared<Sink>();
  sink->path_ = path;
  sink->fd_ = *fd;
  return sink;
}

// Who checks a configuration may be another user, whose file the service could not open.
result<void> Sink::check(const std::string& path) {
  // Of a pipe that nobody reads, open() would wait for a reader.
  if (const int fd = ::open(path.c_str(), kFlags | O_NONBLOCK); fd >= 0) {
    ::close(fd);
    return {};
  }
  if (errno != ENOENT) return cannot_open(path);
  const auto folder = std::filesystem::path(path).parent_path();
  if (::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) != 0) return cannot_open(path);
  return {};
}

Sink::~Sink() {
  if (!path_.empty()) ::close(fd_);
}

result<void> Sink::reopen() {
  const auto fd = open_again();
  if (!fd) return fd.error();
  return *fd < 0 ? result<void>() : replace(*fd);
}

result<void> Sink::replace(int fd) {
  const int moved = path_.empty() ? 0 : ::dup3(fd, fd_, O_CLOEXEC);
  const int problem = errno;
  ::close(fd);
  if (moved < 0) return failure("log.file: " + path_ + ": " + std::strerror(problem));
  return {};
}

result<int> Sink::open_again() const {
  return path_.empty() ? result<int>(-1) : open_file(path_);
}

void Sink::sink_it_(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  const char* at = line.data();
  std::size_t left = line.size();
  while (left > 0) {
    const ssize_t written = ::write(fd_, at, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    at += written;
    left -= static_cast<std::size_t>(written);
  }
}

}  // namespace txindex::log
