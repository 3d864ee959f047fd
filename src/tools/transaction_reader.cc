#include "tools/transaction_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "txindex/chain/transaction.h"

#include "chain/base64.h"

namespace txindex::tools {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{512} * 1024;
static_assert(limits::kFrameMaxBytes + limits::kFrameLengthBytes <= kBufferBytes / 2);
static_assert(limits::kLineMaxBytes + 2 <= kBufferBytes / 2);

bool begins_a_line(std::uint8_t c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/' || c == '\r' || c == '\n';
}

}  // namespace

result<TransactionReader> TransactionReader::open(const std::string& path) {
  const bool standard = path == "-";
  // A duplicate, so that it is closed as any other.
  const int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                          : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const std::string name = standard ? "standard input" : path;
  if (fd < 0) return failure("cannot read " + name + ": " + std::strerror(errno));
  return TransactionReader(fd, name);
}

TransactionReader::TransactionReader(int fd, std::string name)
    : fd_(fd), name_(std::move(name)), buffer_(kBufferBytes) {
  struct stat status {};
  if (fstat(fd_, &status) == 0 && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
}

TransactionReader::~TransactionReader() {
  if (fd_ >= 0) ::close(fd_);
}

TransactionReader::TransactionReader(TransactionReader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      name_(std::move(other.name_)),
      format_(other.format_),
      buffer_(std::move(other.buffer_)),
      begin_(other.begin_),
      end_(other.end_),
      decoded_(std::move(other.decoded_)),
      number_(other.number_),
      position_(other.position_),
      size_(other.size_),
      ended_(other.ended_),
      broken_(other.broken_) {}

bool TransactionReader::ready() const {
  pollfd waiting{fd_, POLLIN, 0};
  return ::poll(&waiting, 1, 0) != 0;
}

result<void> TransactionReader::fill() {
  if (begin_ != 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  // next() leaves less than one frame or line, which is less than half.
  assert(end_ < buffer_.size());
  const ssize_t n = ::read(fd_, buffer_.data() + end_, buffer_.size() - end_);
  if (n < 0) {
    if (errno == EINTR || errno == EAGAIN) return {};
    broken_ = true;
    return failure("cannot read " + name_ + ": " + std::strerror(errno));
  }
  if (n == 0) ended_ = true;
  end_ += static_cast<std::size_t>(n);
  position_ += static_cast<std::uint64_t>(n);
  return {};
}

result<TransactionReader::Status> TransactionReader::next(Item& item) {
  if (broken_) return Status::end;
  auto status = format_ == Format::unknown ? detect() : result<Status>(Status::item);
  if (status && *status == Status::item) {
    status = format_ == Format::frames ? next_frame(item) : next_line(item);
  }
  if (!status) broken_ = true;
  return status;
}

// item: the format is known now.
result<TransactionReader::Status> TransactionReader::detect() {
  const Bytes first = unread();
  if (first.empty()) return ended_ ? Status::end : Status::need_input;
  const std::size_t n = std::min(first.size(), wire::kFilePreface.size());
  if (std::equal(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(n),
                 wire::kFilePreface.begin())) {
    if (n == wire::kFilePreface.size()) {
      format_ = Format::frames;
      begin_ += n;
      return Status::item;
    }
    if (!ended_) return Status::need_input;
  }
  if (!begins_a_line(first[0])) {
    const bool gzip = first[0] == 0x1f;
    return broken(gzip ? "is compressed: unpack it first, for example with zcat"
                       : "holds neither the frames of a .txs file nor lines of base64");
  }
  format_ = Format::lines;
  return Status::item;
}

result<TransactionReader::Status> TransactionReader::next_frame(Item& item) {
  const Bytes rest = unread();
  if (rest.empty() && ended_) return Status::end;
  const bool has_length = rest.size() >= limits::kFrameLengthBytes;
  const std::size_t length = has_length ? wire::load<std::uint32_t>(rest.data()) : 0;
  if (has_length && (length == 0 || length > limits::kFrameMaxBytes)) {
    ++number_;
    return broken_here("has an impossible length, " + std::to_string(length));
  }
  if (!has_length || rest.size() < limits::kFrameLengthBytes + length) {
    if (!ended_) return Status::need_input;
    ++number_;
    return broken_here("is cut off by the end of the input");
  }
  ++number_;
  const Bytes frame = rest.subspan(limits::kFrameLengthBytes, length);
  if (frame[0] != static_cast<std::uint8_t>(wire::FrameType::tx)) {
    return broken_here("is no TX frame, but of type " + std::to_string(frame[0]));
  }
  const auto tx = wire::parse_tx(frame.subspan(1));
  if (!tx) return broken_here("does not parse: its head is short, or has unknown flags");
  begin_ += limits::kFrameLengthBytes + length;
  item = {*tx, number_};
  return Status::item;
}

result<TransactionReader::Status> TransactionReader::next_line(Item& item) {
  while (true) {
    const std::string_view rest = as_text(unread());
    if (rest.empty() && ended_) return Status::end;
    const std::size_t newline = rest.substr(0, limits::kLineMaxBytes + 2).find('\n');
    const bool whole = newline != std::string_view::npos;
    std::string_view line = rest.substr(0, newline);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > limits::kLineMaxBytes) {
      ++number_;
      return broken_here("is longer than " + std::to_string(limits::kLineMaxBytes) + " characters");
    }
    if (!whole && !ended_) return Status::need_input;
    ++number_;
    begin_ += whole ? newline + 1 : rest.size();
    if (line.empty()) continue;

    decoded_.resize(chain::base64::max_bytes(line.size()));
    const auto bytes = chain::base64::decode(line, decoded_);
    if (!bytes || *bytes == 0) return broken_here("is not base64");
    item.tx = {.chain = static_cast<std::uint8_t>(chain::ChainId::solana),
               .time_us = {},
               .slot = {},
               .transaction = Bytes(decoded_).first(*bytes)};
    item.number = number_;
    return Status::item;
  }
}

Failure TransactionReader::broken(const std::string& what) const {
  return failure(name_ + " " + what);
}

Failure TransactionReader::broken_here(const std::string& what) const {
  return failure(name_ + ": " + unit() + " " + std::to_string(number_) + " " + what);
}

}  // namespace txindex::tools
