// Where lines go: standard error, or a file that several processes append to. For src/log only.
#pragma once

#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <mutex>
#include <span>
#include <string>

#include "txindex/result.h"

#include "log/line.h"

namespace txindex::log {

// Whether standard error is the journal: systemd then names its device and inode in JOURNAL_STREAM,
// and a program that has redirected it since must not be fooled.
bool stderr_is_journal();

// What spdlog asks for lines: format_line(). The fields are those of FieldsOfThread.
class Formatter final : public spdlog::formatter {
 public:
  Formatter(Format format, bool for_journal) : format_(format), for_journal_(for_journal) {}
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override;
  std::unique_ptr<spdlog::formatter> clone() const override;

 private:
  Format format_;
  bool for_journal_;
};

// spdlog's messages have no fields: while one lives, messages of its thread have these.
class FieldsOfThread {
 public:
  explicit FieldsOfThread(std::span<const Field> fields);
  ~FieldsOfThread();
  FieldsOfThread(const FieldsOfThread&) = delete;
  FieldsOfThread& operator=(const FieldsOfThread&) = delete;
};

// Writes each line with one write(), at the end of the file as it is then (O_APPEND): lines of
// several processes do not mix. What cannot be written is lost; there is nobody to tell.
class Sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // Standard error, which stays its owner's.
  Sink() = default;
  // The file, made if it is not there; closed on exec. Fails with its path and the reason.
  static result<std::shared_ptr<Sink>> open(const std::string& path);
  // Whether open() would succeed; the file is not made.
  static result<void> check(const std::string& path);
  ~Sink() override;

  // Opens the file by its path again, after it was renamed. If that fails, the old one stays in
  // use. Any thread; nothing to do for standard error.
  result<void> reopen();
  // Goes on in a file that somebody else has opened, which is taken over. It gets the descriptor's
  // number. Any thread; a descriptor for standard error is closed.
  result<void> replace(int fd);
  // A new descriptor of the file; -1 for standard error.
  result<int> open_again() const;
  int descriptor() const { return fd_; }
  const std::string& path() const { return path_; }  // empty: standard error

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

  std::string path_;  // empty: standard error
  int fd_ = 2;
};

}  // namespace txindex::log
