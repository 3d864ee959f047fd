// Reads transactions from a file or a pipe, one after the other, in bounded memory.
//
// What an input holds is told by its first bytes: the frames of a .txs file behind "TXS1", or one
// transaction a line in base64 (line ends LF or CRLF, empty lines skipped). One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "txindex/result.h"
#include "txindex/wire/frame.h"

namespace txindex::tools {

class TransactionReader {
 public:
  // "-" is standard input.
  static result<TransactionReader> open(const std::string& path);
  // Takes over `fd`. `name` is for messages.
  TransactionReader(int fd, std::string name);
  ~TransactionReader();
  TransactionReader(TransactionReader&& other) noexcept;
  TransactionReader& operator=(TransactionReader&&) = delete;

  struct Item {
    wire::TxFrame tx;          // a view, good until the next call of next() or fill()
    std::uint64_t number = 0;  // of the frame or line, from 1
  };
  enum class Status { item, need_input, end };

  // Takes the next transaction from what was read. A malformed input is a failure that names it
  // and the frame or line; nothing can be read behind it.
  result<Status> next(Item& item);
  // Reads once, waiting if there is nothing to be read.
  result<void> fill();
  // True if fill() would not wait.
  bool ready() const;

  int fd() const { return fd_; }
  const std::string& name() const { return name_; }
  const char* unit() const { return format_ == Format::lines ? "line" : "frame"; }
  // Of `size()` bytes, how many were read; 0 of 0 when the size cannot be known.
  std::uint64_t position() const { return size_ == 0 ? 0 : position_; }
  std::uint64_t size() const { return size_; }

 private:
  enum class Format { unknown, frames, lines };

  result<Status> detect();
  result<Status> next_frame(Item& item);
  result<Status> next_line(Item& item);
  Failure broken(const std::string& what) const;
  Failure broken_here(const std::string& what) const;
  Bytes unread() const { return Bytes(buffer_).subspan(begin_, end_ - begin_); }

  int fd_;
  std::string name_;
  Format format_ = Format::unknown;
  wire::Buffer buffer_;
  std::size_t begin_ = 0;  // of what was read and not taken
  std::size_t end_ = 0;
  wire::Buffer decoded_;  // the line that was taken last
  std::uint64_t number_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t size_ = 0;
  bool ended_ = false;   // the input has
  bool broken_ = false;  // a failure was reported
};

}  // namespace txindex::tools
