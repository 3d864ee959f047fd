// Every bound of the program, in one place. The unit is the last word of each name.
//
// What an operator may change is in src/config; the figures here are what the protocol and the
// memory bound rest on, and the relations between them are asserted below.
#pragma once

#include <cstddef>
#include <cstdint>

namespace txindex::limits {

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;

// --- Wire protocol -----------------------------------------------------------------------------

// u32 length, of what follows it.
inline constexpr std::size_t kFrameLengthBytes = 4;
// The largest frame, its length field not counted. Announced in WELCOME.
inline constexpr std::size_t kFrameMaxBytes = 32 * kKiB;
// type, chain, flags, time, slot: what a TX frame may carry before its transaction.
inline constexpr std::size_t kTxHeaderMaxBytes = 1 + 1 + 1 + 8 + 8;
inline constexpr std::size_t kTokenMaxBytes = 1024;
// How many TX may be unacknowledged on one connection, and their bytes. Announced in WELCOME; a
// connection that exceeds them is not read until acknowledgements catch up.
inline constexpr std::uint32_t kWindowMaxTransactions = 8192;
inline constexpr std::uint64_t kWindowMaxBytes = 8 * kMiB;
// A line is base64 of a transaction: 4 characters for 3 bytes.
inline constexpr std::size_t kLineMaxBytes = 8 * kKiB;
inline constexpr std::uint32_t kLineWindowMaxTransactions = 1024;
// PINGs, or empty lines, on one connection in a second; then it is not read until the next one.
// They cost a producer nothing, and an honest one sends a few in a minute.
inline constexpr unsigned kPingsPerSecondMax = 256;
// The same for TX that are rejected before their signatures are looked at.
inline constexpr unsigned kRejectedPerSecondMax = 2048;
// Both together, of all connections of a worker; beyond that each still has its share of a few.
inline constexpr unsigned kWorthlessPerSecondMax = 65'536;
inline constexpr unsigned kWorthlessShare = 16;
// Acknowledgements that a client has not read. Over this, the connection is not read.
inline constexpr std::size_t kUnsentMaxBytes = 64 * kKiB;
// The kernel holds as many more of them, and not megabytes for each peer that does not read.
inline constexpr int kUnsentKernelBytes = 64 * static_cast<int>(kKiB);
// A connection that is owed acknowledgements hears something at least so often.
inline constexpr int kSilenceMaxMilliseconds = 5000;
// A connection that has ended but for answers that the peer does not take is closed after this.
inline constexpr int kUnreadAnswersMaxMilliseconds = 5000;
// Sent bytes that the peer's machine does not acknowledge for so long mean that it is gone.
inline constexpr int kPeerSilentMaxMilliseconds = 30'000;
// A drain waits so long for a peer that has just connected to say its mode, and HELLO.
inline constexpr int kOpeningDrainMilliseconds = 1000;
// Connections refused at a limit that are told why; beyond that many at once they are just closed.
inline constexpr std::size_t kRefusalsMax = 64;
// After a half-close the peer has this long to end its side.
inline constexpr int kReadOutMilliseconds = 2000;

// Tokens in the file that says who may send.
inline constexpr std::size_t kTokensMax = 64;

// --- Transactions ------------------------------------------------------------------------------

// The largest transaction of any chain that is known here (Solana v1).
inline constexpr std::size_t kTransactionMaxBytes = 4096;
inline constexpr std::size_t kSolanaPacketMaxBytes = 1232;
inline constexpr std::size_t kSolanaV1MaxBytes = 4096;

// --- Memory ------------------------------------------------------------------------------------

// Receive chunks. A connection begins with a small one, so that thousands of idle or slow
// connections cost little, and gets a large one as soon as it fills the small one.
inline constexpr std::size_t kSmallChunkBytes = 4 * kKiB;
inline constexpr std::size_t kLargeChunkBytes = 64 * kKiB;
// A parcel is handed to the verify pool when it holds this many transactions, or when the loop
// has nothing more to read just now.
inline constexpr std::size_t kParcelMaxTransactions = 256;

// --- Processes ---------------------------------------------------------------------------------

inline constexpr int kWorkersMax = 256;
inline constexpr int kVerifyThreadsMax = 256;
inline constexpr int kWritersMax = 64;

static_assert(kTransactionMaxBytes + kTxHeaderMaxBytes <= kFrameMaxBytes);
static_assert(kSolanaV1MaxBytes <= kTransactionMaxBytes);
static_assert(kFrameMaxBytes + kFrameLengthBytes <= kLargeChunkBytes,
              "a frame fits a chunk, so that a transaction is always one contiguous view");
static_assert(kLineMaxBytes <= kLargeChunkBytes);
static_assert(kTransactionMaxBytes * 4 / 3 + 4 <= kLineMaxBytes);

}  // namespace txindex::limits
