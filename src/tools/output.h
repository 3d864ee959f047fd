// Where the tools write: a file or standard output, and one line of progress for a person.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "txindex/bytes.h"
#include "txindex/result.h"

namespace txindex::tools {

// Written through at once; closed with its owner.
class OutputFile {
 public:
  // "-" is standard output. A file is made, or emptied.
  static result<OutputFile> open(const std::string& path);
  // A file that is not there yet.
  static result<OutputFile> create_new(const std::string& path);
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;

  result<void> write(Bytes bytes);
  // Closes, and tells what could not be written so far.
  result<void> close();
  bool is_terminal() const;

 private:
  OutputFile(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  int fd_;
  std::string name_;
};

// A line on standard error that is written over and over; nothing at all if that is no terminal.
class Progress {
 public:
  explicit Progress(bool wanted);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  bool shown() const { return shown_; }
  // True ten times a second at most.
  bool due();
  void show(const std::string& line);
  void clear();

 private:
  const bool shown_;
  bool dirty_ = false;
  std::chrono::steady_clock::time_point next_;
};

// 1234567 is "1,234,567".
std::string grouped(std::uint64_t n);
// A rate for a person or a report; 0 when no time has passed.
double per_second(std::uint64_t n, double seconds);

// Seconds of the wall since it was made.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace txindex::tools
