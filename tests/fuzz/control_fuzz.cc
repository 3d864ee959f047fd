// A packet on the control socket: taken if, and only if, it is one by the layout as written down
// here a second time; sent on, it is the same packet.
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "txindex/wire/frame.h"

#include "fuzz/target.h"
#include "process/control.h"

namespace {

using namespace txindex;
using namespace txindex::process;

constexpr std::size_t kPacketBytes = 1024;
constexpr std::size_t kTextAt = 32;

struct Reading {
  std::uint16_t version, type;
  std::int32_t slot, pid;
  std::uint32_t text_bytes;
  std::uint64_t generation;
  std::int64_t value;
};

Reading read(Bytes packet) {
  const std::uint8_t* at = packet.data();
  return {wire::load<std::uint16_t>(at),
          wire::load<std::uint16_t>(at + 2),
          static_cast<std::int32_t>(wire::load<std::uint32_t>(at + 4)),
          static_cast<std::int32_t>(wire::load<std::uint32_t>(at + 8)),
          wire::load<std::uint32_t>(at + 12),
          wire::load<std::uint64_t>(at + 16),
          static_cast<std::int64_t>(wire::load<std::uint64_t>(at + 24))};
}

bool is_message(Bytes packet) {
  if (packet.size() != kPacketBytes) return false;
  const Reading r = read(packet);
  return r.version == 1 && r.type >= 1 &&
         r.type <= static_cast<std::uint16_t>(MessageType::reopen_logs) &&
         r.text_bytes <= kPacketBytes - kTextAt;
}

}  // namespace

TXINDEX_FUZZ_TARGET(control) {
  // An empty packet is the end of the connection.
  if (input.empty()) return;
  static const ControlPair pair = *make_control_pair();
  const int sender = pair.supervisor.get();
  const int receiver = pair.child.get();
  fuzz::require(::send(sender, input.data(), input.size(), MSG_NOSIGNAL) ==
                    static_cast<ssize_t>(input.size()),
                "a packet can be sent");
  const Received received = receive_message(receiver);
  fuzz::require(!received.descriptor, "no descriptor comes of nothing");
  if (!is_message(input)) {
    fuzz::require(received.status == Received::Status::invalid && !received.problem.empty(),
                  "what is no message is refused, and why is said");
    return;
  }
  const Reading r = read(input);
  const Message& m = received.message;
  fuzz::require(received.status == Received::Status::message, "what is a message is taken");
  fuzz::require(static_cast<std::uint16_t>(m.type) == r.type && m.slot == r.slot &&
                    m.pid == r.pid && m.generation == r.generation && m.value == r.value &&
                    m.text == as_text(input.subspan(kTextAt, r.text_bytes)),
                "both readings see the same message");
  fuzz::require(send_message(sender, m).has_value(), "a message can be sent on");
  std::array<std::uint8_t, kPacketBytes> again{};
  fuzz::require(::recv(receiver, again.data(), again.size(), MSG_DONTWAIT) == kPacketBytes,
                "a message is a packet");
  const std::size_t said = kTextAt + r.text_bytes;
  fuzz::require(
      std::equal(again.begin(), again.begin() + static_cast<std::ptrdiff_t>(said), input.begin()),
      "sent on, it is the same packet");
}
