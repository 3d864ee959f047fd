#include "tools/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace txindex::tools::journal {
namespace {

constexpr std::uint8_t kSent = 1;
constexpr std::uint8_t kAcked = 2;
constexpr std::uint8_t kEnd = 3;

constexpr std::size_t kHeaderBytes = kMagic.size() + 4;
constexpr std::size_t kSentBytes = 1 + 4 + 8 + 8 + 8 + kTxidBytes;
constexpr std::size_t kAckedBytes = 1 + 4 + 8 + 8 + 1;
constexpr std::size_t kEndBytes = 1;

constexpr std::size_t kReadBytes = std::size_t{256} * 1024;

std::int64_t load_time(const std::uint8_t* at) {
  return static_cast<std::int64_t>(wire::load<std::uint64_t>(at));
}

}  // namespace

std::string file_name(const std::string& folder, std::uint32_t number) {
  return folder + "/load-" + std::to_string(number) + ".txj";
}

// --- Writing -----------------------------------------------------------------------------------

result<Writer> Writer::create(const std::string& folder, std::uint32_t number) {
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
    return failure("cannot make the folder " + folder + ": " + std::strerror(errno));
  }
  auto file = OutputFile::create_new(file_name(folder, number));
  if (!file) return file.error();
  Writer writer(std::move(*file));
  writer.buffer_.assign(kMagic.begin(), kMagic.end());
  wire::append(writer.buffer_, number);
  if (auto ok = writer.flush(); !ok) return ok.error();
  return writer;
}

void Writer::add(const Sent& record) {
  buffer_.push_back(kSent);
  wire::append(buffer_, record.connection);
  wire::append(buffer_, record.sequence);
  wire::append(buffer_, record.sent_us);
  wire::append(buffer_, record.stamp_us);
  buffer_.insert(buffer_.end(), record.txid.begin(), record.txid.end());
}

void Writer::add(const Acked& record) {
  buffer_.push_back(kAcked);
  wire::append(buffer_, record.connection);
  wire::append(buffer_, record.sequence);
  wire::append(buffer_, record.acked_us);
  buffer_.push_back(static_cast<std::uint8_t>(record.outcome));
}

result<void> Writer::flush() {
  if (buffer_.empty()) return {};
  auto written = file_.write(buffer_);
  buffer_.clear();
  return written;
}

result<void> Writer::finish() {
  buffer_.push_back(kEnd);
  if (auto ok = flush(); !ok) return ok;
  return file_.close();
}

// --- Reading -----------------------------------------------------------------------------------

result<Reader> Reader::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failure("cannot read " + path + ": " + std::strerror(errno));
  Reader reader(fd, path);
  const auto header = reader.have(kHeaderBytes);
  if (!header) return header.error();
  if (!*header || !std::equal(kMagic.begin(), kMagic.end(), reader.at())) {
    return failure(path + " is no journal of txindex load: it does not begin with TXJ1");
  }
  reader.number_ = wire::load<std::uint32_t>(reader.at() + kMagic.size());
  reader.begin_ += kHeaderBytes;
  reader.position_ = kHeaderBytes;
  return reader;
}

Reader::Reader(Reader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      buffer_(std::move(other.buffer_)),
      begin_(other.begin_),
      position_(other.position_),
      number_(other.number_),
      torn_(other.torn_),
      ended_(other.ended_) {}

Reader::~Reader() {
  if (fd_ >= 0) ::close(fd_);
}

// Reads until there are so many; false: the file ends before.
result<bool> Reader::have(std::size_t bytes) {
  while (buffer_.size() - begin_ < bytes) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
    const std::size_t before = buffer_.size();
    buffer_.resize(before + kReadBytes);
    const ssize_t n = ::read(fd_, buffer_.data() + before, kReadBytes);
    const int error = errno;
    buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && error == EINTR) continue;
    if (n < 0) return failure("cannot read " + path_ + ": " + std::strerror(error));
    if (n == 0) return false;
  }
  return true;
}

result<std::optional<Record>> Reader::next() {
  const auto more = have(1);
  if (!more) return more.error();
  if (!*more) return std::optional<Record>();
  const std::uint8_t type = *at();
  if (ended_) return damaged("something after END");
  if (type < kSent || type > kEnd) return damaged("a record of type " + std::to_string(type));
  const std::size_t bytes = type == kSent ? kSentBytes : type == kAcked ? kAckedBytes : kEndBytes;
  const auto whole = have(bytes);
  if (!whole) return whole.error();
  if (!*whole) {
    torn_ = true;
    return std::optional<Record>();
  }
  torn_ = false;
  const std::uint8_t* p = at() + 1;
  std::optional<Record> record;
  if (type == kEnd) {
    ended_ = true;
    record = End{};
  } else {
    const auto connection = wire::load<std::uint32_t>(p);
    const auto sequence = wire::load<std::uint64_t>(p + 4);
    const auto time = load_time(p + 12);
    if (type == kSent) {
      Sent sent{connection, sequence, time, load_time(p + 20), {}};
      std::copy_n(p + 28, kTxidBytes, sent.txid.begin());
      record = sent;
    } else {
      if (p[20] >= wire::kOutcomeCount) {
        return damaged("an unknown outcome, " + std::to_string(p[20]));
      }
      record = Acked{connection, sequence, time, static_cast<wire::Outcome>(p[20])};
    }
  }
  begin_ += bytes;
  position_ += bytes;
  return record;
}

Failure Reader::damaged(const std::string& what) const {
  return failure(path_ + " is damaged: " + what + " at byte " + std::to_string(position_));
}

}  // namespace txindex::tools::journal
