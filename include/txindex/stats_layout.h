// The shared-memory statistics: one segment (a memfd that children inherit), a header, what the
// supervisor knows of the service, and two blocks for each slot. Whoever can map the segment can
// read it; nobody is asked for anything.
//
//   segment = header, service, tokens, blocks of slot 0 (side 0, side 1), of slot 1, ...
//   service = words, then texts
//   tokens  = an entry for each name that producers' tokens have had; written by all workers
//   block   = words[kWordCount] of 64 bits
//
// A slot has one process, or two while the one is being replaced by the other: each writes the
// block of its own side. Slots 0 to kWorkersMax - 1 are workers, slot kAdminSlot is the admin
// process. A word is written by one process only, that of its block (pid, generation, state and
// restarts: the supervisor), with relaxed atomics, so a reader sees each word whole but not all of
// them at one instant. Parts are whole pages, so that the kernel can hold a process to what is its
// own to write. What a word means is in the tables below and nowhere else. A replacement goes on
// with a block of its slot as it finds it, so what a slot has counted is the sum of its two sides,
// and counters never go back; gauges of a process that is gone are zero.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "txindex/limits.h"

namespace txindex::stats {

inline constexpr std::uint64_t kMagic = 0x3130535441545854;  // "TXTATS01"
inline constexpr std::uint32_t kLayoutVersion = 4;
inline constexpr std::size_t kPageBytes = 4096;

enum class Kind : std::uint8_t { counter, gauge };

// name, kind, help. The order is the layout: add at the end, and raise kLayoutVersion.
#define TXINDEX_STATS(X)                                                                    \
  X(pid, gauge, "Process id of the slot's current process, 0 if none")                      \
  X(generation, gauge, "How many processes the slot has had")                               \
  X(state, gauge, "A ProcessState, as a number")                                            \
  X(heartbeat_us, gauge, "Monotonic time at which the event loop last turned")              \
  X(restarts, counter, "Processes of the slot that died and were replaced")                 \
  X(connections_open, gauge, "Producer connections open")                                   \
  X(connections_accepted, counter, "Producer connections accepted")                         \
  X(connections_refused, counter, "Producer connections refused at a limit")                \
  X(connections_broken, counter, "Producer connections ended by an error of the protocol")  \
  X(received_bytes, counter, "Bytes read from producers")                                   \
  X(sent_bytes, counter, "Bytes written to producers")                                      \
  X(received, counter, "Transactions received")                                             \
  X(outcome_committed, counter, "Transactions committed")                                   \
  X(outcome_duplicate, counter, "Transactions that were there already")                     \
  X(outcome_malformed, counter, "Transactions that do not parse or break a rule")           \
  X(outcome_bad_signature, counter, "Transactions with a signature that does not verify")   \
  X(outcome_unsupported, counter, "Transactions of an unknown chain or version")            \
  X(outcome_too_large, counter, "Transactions over their chain's size limit")               \
  X(outcome_refused_by_database, counter, "Transactions that PostgreSQL refused")           \
  X(outcome_time_out_of_range, counter, "Transactions stamped outside the accepted range")  \
  X(in_flight_bytes, gauge, "Bytes of receive chunks held by transactions in flight")       \
  X(in_flight_bytes_high, gauge, "The most that in_flight_bytes has been")                  \
  X(in_flight_waits, counter, "Times a connection was not read for want of memory or room") \
  X(verify_queue, gauge, "Parcels waiting for a verify thread")                             \
  X(verify_queue_high, gauge, "The most that have waited for a verify thread")              \
  X(verify_threads, gauge, "Verify threads")                                                \
  X(verify_threads_busy, gauge, "Verify threads at work")                                   \
  X(verified_signatures, counter, "Signatures checked")                                     \
  X(batch_queue, gauge, "Transactions waiting for a writer")                                \
  X(batch_queue_high, gauge, "The most transactions that have waited for a writer")         \
  X(writers, gauge, "PostgreSQL writers")                                                   \
  X(writers_busy, gauge, "PostgreSQL writers at work")                                      \
  X(batches, counter, "Batches committed")                                                  \
  X(batch_rows, counter, "Rows in batches committed")                                       \
  X(postings, counter, "Account postings sent with batches")                                \
  X(partitions_created, counter, "Tables made for partitions, on demand")                   \
  X(postgres_connected, gauge, "Writers with a live connection")                            \
  X(postgres_connects, counter, "Connections made to PostgreSQL")                           \
  X(postgres_errors, counter, "Errors that PostgreSQL or its connection reported")          \
  X(postgres_retries, counter, "Batches sent again after an error")                         \
  X(postgres_ambiguous, counter, "Commits whose outcome was unknown and was looked up")     \
  X(postgres_bisections, counter, "Batches split to find a row that PostgreSQL refuses")    \
  X(loop_busy_us, counter, "Time that the event loop worked")                               \
  X(loop_idle_us, counter, "Time that the event loop waited")                               \
  X(listeners, gauge, "Listening sockets served: its own, and those of absent siblings")    \
  X(partitions_dropped, counter, "Partitions dropped because they were past retention")     \
  X(store_partitions, gauge, "Time partitions there are; known to one worker at a time")    \
  X(store_rows, gauge, "Transactions stored, as PostgreSQL estimates; likewise")            \
  X(store_bytes, gauge, "Bytes of all tables and indexes; likewise")                        \
  X(overdue_hello, counter, "Producer connections ended: no HELLO in time")                 \
  X(overdue_frame, counter, "Producer connections ended: a frame or line unfinished")       \
  X(overdue_idle, counter, "Producer connections ended: nothing said for long")             \
  X(overdue_answers, counter, "Producer connections ended: answers not read in time")       \
  X(share_waits, counter, "Times a connection was not read because it had its share")       \
  X(accept_errors, counter, "Times accepting failed for want of descriptors or memory")     \
  X(tls_failed, counter, "Producer connections that did not complete the TLS handshake")    \
  X(tokens_refused, counter, "Producer connections ended for want of a valid token")        \
  X(verify_backend, gauge, "A VerifyBackend, as a number: what verifies signatures")

// What a slot's process is doing; the word `state`.
enum class ProcessState : std::uint8_t {
  empty,      // no process
  starting,   // has not said that it is ready
  ready,      // serves
  draining,   // was told to finish
  held_back,  // no process: the next one waits, because several have died
  retired,    // no process is wanted
  silent,     // its event loop does not turn
};
inline constexpr std::array<std::string_view, 7> kProcessStates = {
    "empty", "starting", "ready", "draining", "held_back", "retired", "silent"};

enum class Word : std::uint16_t {
#define X(name, kind, help) name,
  TXINDEX_STATS(X)
#undef X
};

struct WordInfo {
  std::string_view name;
  Kind kind;
  std::string_view help;
};

inline constexpr std::array kWords = {
#define X(name, kind, help) WordInfo{#name, Kind::kind, help},
    TXINDEX_STATS(X)
#undef X
};

// Histograms of durations: 4 buckets for each power of two of microseconds, up to 2^28 us (268 s),
// from where the last one is open. Bucket b counts values v with bucket_of(v) = b
// (src/stats/block.h).
inline constexpr std::size_t kHistogramBuckets = 27 * 4 + 1;

enum class Timing : std::uint16_t { verify, commit, receive_to_ack };
inline constexpr std::array<std::string_view, 3> kTimings = {"verify", "commit", "receive_to_ack"};

// words: one for each Word, then for each Timing a sum in microseconds and the buckets.
inline constexpr std::size_t kTimingWords = 1 + kHistogramBuckets;
inline constexpr std::size_t kWordCount = kWords.size() + kTimings.size() * kTimingWords;

struct alignas(kPageBytes) Block {
  std::array<std::atomic<std::uint64_t>, kWordCount> words;
};

// --- The service as a whole; written by the supervisor only -----------------------------------

enum class ServiceState : std::uint8_t { starting, serving, degraded, draining };
inline constexpr std::array<std::string_view, 4> kServiceStates = {"starting", "serving",
                                                                   "degraded", "draining"};

enum class RollOutcome : std::uint8_t { none, done, aborted };
inline constexpr std::array<std::string_view, 3> kRollOutcomes = {"none", "done", "aborted"};

// Rolling restarts are numbered from 1. One that is asked for while another runs begins after it.
#define TXINDEX_SERVICE_STATS(X)                                                               \
  X(supervisor_pid, gauge, "Process id of the supervisor")                                     \
  X(service_state, gauge, "A ServiceState, as a number")                                       \
  X(started_unix_us, gauge, "When the service was started, microseconds since the Unix epoch") \
  X(worker_slots, gauge, "Slots of workers in use; those above `workers` are retired")         \
  X(workers, gauge, "Workers wanted")                                                          \
  X(reexecs, counter, "Times the supervisor has re-executed itself")                           \
  X(roll_running, gauge, "1 while a rolling restart runs")                                     \
  X(roll_queued, gauge, "1 if another one was asked for meanwhile")                            \
  X(roll_slot, gauge, "The slot that it is at")                                                \
  X(rolls_started, counter, "Rolling restarts begun: the number of the latest")                \
  X(rolls_ended, counter, "Rolling restarts ended: the number of the latest")                  \
  X(rolls_aborted, counter, "Of them, those that were aborted")                                \
  X(last_roll_outcome, gauge, "A RollOutcome, of the latest that has ended")

enum class ServiceWord : std::uint16_t {
#define X(name, kind, help) name,
  TXINDEX_SERVICE_STATS(X)
#undef X
};

inline constexpr std::array kServiceWords = {
#define X(name, kind, help) WordInfo{#name, Kind::kind, help},
    TXINDEX_SERVICE_STATS(X)
#undef X
};

// version of the supervisor; addresses in numbers, empty if there is none; why the latest rolling
// restart was aborted, else empty.
enum class ServiceText : std::uint16_t { version, listen, admin, roll_failure };
inline constexpr std::size_t kServiceTexts = 4;

// A text of up to 1015 bytes in atomics. `sequence` is odd while it is being written; a reader
// that has not seen the same even number before and after reads again (src/stats/service.h).
struct Text {
  std::atomic<std::uint64_t> sequence;
  std::atomic<std::uint64_t> bytes;
  std::array<std::atomic<std::uint64_t>, 126> data;
};

struct alignas(kPageBytes) Service {
  std::array<std::atomic<std::uint64_t>, kServiceWords.size()> words;
  std::array<Text, kServiceTexts> texts;
};

// --- Producers' tokens -------------------------------------------------------------------------

// A name keeps its entry for as long as the segment lives, so that its counters never go back. The
// entry is claimed by setting `key`, a hash of the name, from 0; `name_bytes` is set last
// (src/stats/tokens.h).
inline constexpr std::size_t kTokenNameMaxBytes = 32;
inline constexpr std::size_t kTokenEntries = 2 * limits::kTokensMax;

struct alignas(64) TokenEntry {
  std::atomic<std::uint64_t> key;
  std::atomic<std::uint64_t> name_bytes;
  std::array<std::atomic<std::uint64_t>, kTokenNameMaxBytes / 8> name;
  std::atomic<std::uint64_t> connections;  // accepted with it
  std::atomic<std::uint64_t> received;     // transactions
  std::atomic<std::uint64_t> rejected;     // of them; everything but committed and duplicate
  std::atomic<std::uint64_t> slowed;       // times that a connection was over a limit
  // Until when its rate and its volume are used up: nanoseconds of the monotonic clock
  // (src/access/bucket.h).
  std::atomic<std::uint64_t> rate_spent_until_ns;
  std::atomic<std::uint64_t> volume_spent_until_ns;
};

struct alignas(kPageBytes) TokenTable {
  std::array<TokenEntry, kTokenEntries> entries;
};

// --- The segment -------------------------------------------------------------------------------

inline constexpr std::size_t kSides = 2;
inline constexpr std::size_t kAdminSlot = limits::kWorkersMax;
inline constexpr std::size_t kSlots = kAdminSlot + 1;

struct alignas(kPageBytes) Header {
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t block_bytes;
  std::uint32_t block_count;  // kSides for each slot
  std::uint32_t word_count;
  std::uint32_t service_bytes;
  std::uint32_t token_table_bytes;
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "the segment is shared memory");
static_assert(sizeof(Block) == kPageBytes, "a slot's side costs a page, and no more");

}  // namespace txindex::stats
