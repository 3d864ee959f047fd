// The messages between the supervisor and its children, over a SOCK_SEQPACKET socket pair.
//
//   child -> supervisor   listener     with a duplicate of its listening socket: the deposit that
//                                      keeps the socket's queue alive whatever becomes of the child
//                         ready        it serves; slot, pid, generation are its own
//                         failed       it cannot, and exits with status `value`; `text` says why
//   supervisor -> child   drain        finish what was received, then exit 0; value 1: nobody else
//                                      serves the queues of its listening sockets, so empty them
//                         adopt        with the listening socket of slot `value`, to be served too
//                         disown       leave the listening socket of slot `value` to others
//                         reopen_logs  with the file of the log, opened anew, whose path is `text`;
//                                      with none if the log is standard error
//
// One packet is one message of fixed size, with the version of this layout in front: after an
// upgrade the two sides may be of different binaries. A descriptor can travel with a message.
#pragma once

#include <cstdint>
#include <string>

#include "txindex/result.h"

#include "process/descriptor.h"

namespace txindex::process {

enum class MessageType : std::uint16_t {
  ready = 1,
  failed = 2,
  drain = 3,
  listener = 4,
  adopt = 5,
  disown = 6,
  reopen_logs = 7,
};

struct Message {
  MessageType type{};
  std::int32_t slot = -1;
  std::int32_t pid = 0;
  std::uint64_t generation = 0;
  std::int64_t value = 0;
  std::string text = {};  // cut off at kMessageTextMaxBytes
};

inline constexpr std::size_t kMessageTextMaxBytes = 992;

// Both ends of a new control connection, closed on exec.
struct ControlPair {
  Descriptor supervisor;
  Descriptor child;
};
result<ControlPair> make_control_pair();

// Sends without waiting, with a duplicate of `fd` unless that is -1. Fails when the other side is
// gone or has left too much unread.
result<void> send_message(int socket, const Message& message, int fd = -1);

// FAILED, from a process that has nothing but the descriptor yet. False if nobody hears it.
bool tell_failure(int socket, const Failure& failure);

struct Received {
  enum class Status : std::uint8_t {
    message,
    nothing,  // for now
    closed,   // the other side is gone
    invalid,  // a packet that is no message of ours: `problem` says why; the next may be one
  };
  Status status = Status::nothing;
  Message message;
  Descriptor descriptor;  // the one that came with the message, closed on exec; mostly none
  std::string problem;
};

// Receives one message without waiting. Of an invalid packet no descriptor survives.
Received receive_message(int socket);

}  // namespace txindex::process
