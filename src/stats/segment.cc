#include "stats/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "stats/block.h"

namespace txindex::stats {
namespace {

std::size_t bytes_for(std::size_t block_count) {
  return sizeof(Header) + sizeof(Service) + sizeof(TokenTable) + block_count * sizeof(Block);
}

Failure system_failure(const char* what) {
  return failure(std::string("statistics: ") + what + ": " + std::strerror(errno));
}

// Why a descriptor's memory is not a segment that this binary can read; null if it is.
const char* problem_with(const Header& header, std::size_t bytes) {
  if (header.magic != kMagic) return "not a statistics segment";
  if (header.layout_version != kLayoutVersion || header.block_bytes != sizeof(Block) ||
      header.word_count != kWordCount || header.service_bytes != sizeof(Service) ||
      header.token_table_bytes != sizeof(TokenTable)) {
    return "the segment has the layout of another version (a reload with SIGHUP renews it)";
  }
  if (header.block_count == 0 || header.block_count % kSides != 0 ||
      bytes != bytes_for(header.block_count)) {
    return "the segment's size is not what its header says";
  }
  return nullptr;
}

}  // namespace

result<Segment> Segment::create(std::size_t slots) {
  assert(slots > 0);
  const std::size_t block_count = slots * kSides;
  const int fd = memfd_create("txindexd-statistics", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return system_failure("memfd_create");
  Segment segment(fd, nullptr, 0);
  const std::size_t bytes = bytes_for(block_count);
  if (ftruncate(fd, static_cast<off_t>(bytes)) != 0) return system_failure("ftruncate");
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return system_failure("sealing");
  }
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return system_failure("mmap");
  segment.memory_ = memory;
  segment.bytes_ = bytes;
  new (memory) Header{kMagic,
                      kLayoutVersion,
                      sizeof(Block),
                      static_cast<std::uint32_t>(block_count),
                      static_cast<std::uint32_t>(kWordCount),
                      sizeof(Service),
                      sizeof(TokenTable)};
  new (static_cast<std::byte*>(memory) + sizeof(Header)) Service();
  new (static_cast<std::byte*>(memory) + sizeof(Header) + sizeof(Service)) TokenTable();
  for (std::size_t i = 0; i < block_count; ++i) {
    new (static_cast<std::byte*>(memory) + bytes_for(i)) Block();
  }
  return segment;
}

result<Segment> Segment::attach(int fd) {
  return attach(fd, PROT_READ | PROT_WRITE);
}

result<Segment> Segment::attach_child(int fd, const Own& own) {
  const Segment writable(fd, nullptr, 0);  // closes it
  // What is mapped by a descriptor that cannot write can never be made writable.
  const std::string name = "/proc/self/fd/" + std::to_string(fd);
  const int reading = open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (reading < 0) return system_failure(name.c_str());
  auto segment = attach(reading, PROT_READ);
  if (!segment) return segment;
  if (own.slot >= segment->slot_count() || own.side >= kSides) {
    return failure("statistics: there is no slot " + std::to_string(own.slot) + " with a side " +
                   std::to_string(own.side));
  }
  const Block& block = segment->block(own.slot, own.side);
  if (!segment->make_writable(fd, &block, sizeof block)) return system_failure("mmap");
  const TokenTable& tokens = segment->tokens();
  if (own.tokens && !segment->make_writable(fd, &tokens, sizeof tokens))
    return system_failure("mmap");
  close(std::exchange(segment->fd_, -1));
  return segment;
}

// The pages that it lies in.
bool Segment::make_writable(int fd, const void* part, std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(part) -
                                               static_cast<std::byte*>(memory_));
  const std::size_t begin = offset / page * page;
  const std::size_t end = std::min((offset + bytes + page - 1) / page * page, bytes_);
  return mmap(static_cast<std::byte*>(memory_) + begin, end - begin, PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_FIXED, fd, static_cast<off_t>(begin)) != MAP_FAILED;
}

result<Segment> Segment::attach(int fd, int protection) {
  Segment segment(fd, nullptr, 0);
  struct stat status {};
  if (fstat(fd, &status) != 0) return system_failure("fstat");
  const auto bytes = static_cast<std::size_t>(status.st_size);
  if (bytes < sizeof(Header)) return failure("statistics: not a statistics segment");
  void* memory = mmap(nullptr, bytes, protection, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return system_failure("mmap");
  segment.memory_ = memory;
  segment.bytes_ = bytes;
  const char* problem = problem_with(*static_cast<const Header*>(memory), bytes);
  if (problem != nullptr) return failure(std::string("statistics: ") + problem);
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return system_failure("fcntl");
  return segment;
}

Segment::Segment(Segment&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      memory_(std::exchange(other.memory_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

Segment& Segment::operator=(Segment&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(memory_, other.memory_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Segment::~Segment() {
  if (memory_ != nullptr) munmap(memory_, bytes_);
  if (fd_ >= 0) close(fd_);
}

std::size_t Segment::slot_count() const {
  return static_cast<const Header*>(memory_)->block_count / kSides;
}

Block& Segment::block(std::size_t slot, std::size_t side) {
  return const_cast<Block&>(std::as_const(*this).block(slot, side));
}

const Block& Segment::block(std::size_t slot, std::size_t side) const {
  assert(slot < slot_count() && side < kSides);
  return *std::launder(reinterpret_cast<const Block*>(static_cast<const std::byte*>(memory_) +
                                                      bytes_for(slot * kSides + side)));
}

Service& Segment::service() {
  return const_cast<Service&>(std::as_const(*this).service());
}

const Service& Segment::service() const {
  return *std::launder(
      reinterpret_cast<const Service*>(static_cast<const std::byte*>(memory_) + sizeof(Header)));
}

TokenTable& Segment::tokens() {
  return const_cast<TokenTable&>(std::as_const(*this).tokens());
}

const TokenTable& Segment::tokens() const {
  return *std::launder(reinterpret_cast<const TokenTable*>(static_cast<const std::byte*>(memory_) +
                                                           sizeof(Header) + sizeof(Service)));
}

void clear_gauges(Block& block) {
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    const auto which = static_cast<Word>(i);
    if (kWords[i].kind == Kind::gauge && which != Word::generation) set(block, which, 0);
  }
}

}  // namespace txindex::stats
