// The journal of `txindex load`: what was handed to which connection, and what was answered, so
// that a checker can compare it with the database after whatever happened to the server.
//
// A transaction is recorded before any byte of it goes to a socket, and an answer as soon as it has
// been read. Records are given to the operating system with write(2) before the program goes on:
// they outlive the program, not the machine (no fsync). A program that is killed may leave the last
// record torn; everything before it is whole.
//
//   file   = header, records                                  (all integers little-endian)
//   header = "TXJ1", u32 number of the file in its folder, from 0
//   record = SENT | ACKED | END
//   SENT   = u8 1, u32 connection, u64 sequence, i64 sent, i64 stamp, txid
//   ACKED  = u8 2, u32 connection, u64 sequence, i64 acked, u8 outcome
//   END    = u8 3: nothing follows, the program ended by itself
//
// connection  counts the streams of the whole run from 0; a stream that reconnects keeps its number
// sequence    counts the transactions of a stream from 0; each is SENT once, also when the client
//             library sends it again on a later connection, and ACKED once or never
// sent, acked microseconds since the Unix epoch, by a clock that does not jump during a run
// stamp       the time in the TX frame, microseconds since the Unix epoch
// txid        64 bytes: the first signature of a Solana transaction; zeros if it does not parse
// outcome     a code of ACK (txindex/wire/ack.h); 0 is committed
//
// A run writes one file for each of its sending threads: load-0.txj, load-1.txj, ...
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "txindex/result.h"
#include "txindex/wire/ack.h"
#include "txindex/wire/frame.h"

#include "tools/output.h"

namespace txindex::tools::journal {

inline constexpr std::array<std::uint8_t, 4> kMagic = {'T', 'X', 'J', '1'};
inline constexpr std::size_t kTxidBytes = 64;
using Txid = std::array<std::uint8_t, kTxidBytes>;

struct Sent {
  std::uint32_t connection;
  std::uint64_t sequence;
  std::int64_t sent_us;
  std::int64_t stamp_us;
  Txid txid;

  bool operator==(const Sent&) const = default;
};

struct Acked {
  std::uint32_t connection;
  std::uint64_t sequence;
  std::int64_t acked_us;
  wire::Outcome outcome;

  bool operator==(const Acked&) const = default;
};

struct End {
  bool operator==(const End&) const = default;
};

using Record = std::variant<Sent, Acked, End>;

// One thread.
class Writer {
 public:
  // Makes `folder` if it is not there, and file `number` in it, which must not be there: a journal
  // is never written over.
  static result<Writer> create(const std::string& folder, std::uint32_t number);

  void add(const Sent& record);
  void add(const Acked& record);
  // Gives what was added to the operating system. What is sent must not go out before this.
  result<void> flush();
  // END, and closes.
  result<void> finish();

 private:
  explicit Writer(OutputFile file) : file_(std::move(file)) {}
  OutputFile file_;
  wire::Buffer buffer_;
};

// Reads a journal back, in order. One thread.
class Reader {
 public:
  static result<Reader> open(const std::string& path);
  ~Reader();
  Reader(Reader&& other) noexcept;
  Reader& operator=(Reader&&) = delete;

  // Nothing: the end of the file, for now; asked again, it gives what was written since. A record
  // that the file ends in the middle of is not given (torn()); one that cannot be is a failure,
  // which names the file and the place.
  result<std::optional<Record>> next();

  std::uint32_t number() const { return number_; }
  bool torn() const { return torn_; }

 private:
  Reader(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  result<bool> have(std::size_t bytes);
  const std::uint8_t* at() const { return buffer_.data() + begin_; }
  Failure damaged(const std::string& what) const;

  int fd_;
  std::string path_;
  wire::Buffer buffer_;
  std::size_t begin_ = 0;
  std::uint64_t position_ = 0;  // of begin_ in the file
  std::uint32_t number_ = 0;
  bool torn_ = false;
  bool ended_ = false;
};

std::string file_name(const std::string& folder, std::uint32_t number);

}  // namespace txindex::tools::journal
